// Dialogs of add-ons and the menu on small screens. Without JavaScript every link opens a page of its own.
"use strict";

async function open_portal_dialog(address) {
  const base = location.pathname.startsWith("/admin") ? "/admin/" : "/portal/";
  const answer = await fetch(new URL(address, location.origin + base), { headers: { "X-Requested-With": "XMLHttpRequest" } });
  if (!answer.ok || answer.redirected) {
    location.assign(new URL(address, location.origin + base));
    return;
  }
  const opener = document.activeElement;
  const shade = document.createElement("div");
  shade.className = "shade";
  shade.innerHTML = await answer.text();
  const close = () => { shade.remove(); document.removeEventListener("keydown", onKey); if (opener) { opener.focus(); } };
  const onKey = (event) => { if (event.key === "Escape") { close(); } };
  shade.querySelectorAll(".dialog-close").forEach((button) => button.addEventListener("click", () => { close(); location.reload(); }));
  document.addEventListener("keydown", onKey);
  document.body.append(shade);
  shade.querySelector(".dialog-close").focus();
}
window.open_portal_dialog = open_portal_dialog;

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-dialog]");
  if (link && !event.ctrlKey && !event.metaKey && event.button === 0) {
    event.preventDefault();
    open_portal_dialog(link.getAttribute("href"));
  }
  const button = event.target.closest(".menu-button");
  if (button) {
    const open = document.getElementById("menu").classList.toggle("open");
    button.setAttribute("aria-expanded", String(open));
  }
});
