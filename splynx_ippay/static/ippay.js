// Comfort only: every page works without it. Shows the brand while a card number is typed, keeps a second press of a
// money button from reaching the server, watches an open question, leaves the frame for the login, prints.
"use strict";
(() => {
  const brands = [["Visa", /^4/], ["Mastercard", /^(5[1-5]|2[2-7])/], ["American Express", /^3[47]/],
    ["Discover", /^6(011|5|4[4-9])/], ["Diners Club", /^3[068]/], ["JCB", /^35/]];

  for (const input of document.querySelectorAll("input[data-card-number]")) {
    const place = document.getElementById(input.dataset.cardNumber);
    input.addEventListener("input", () => {
      const digits = input.value.replace(/\D/g, "");
      const known = brands.find(([, pattern]) => pattern.test(digits));
      if (place) place.textContent = known ? known[0] : "";
    });
  }

  for (const form of document.querySelectorAll("form[data-once]")) {
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) { event.preventDefault(); return; }
      form.dataset.sent = "1";
      const button = event.submitter;
      if (button && button.dataset.busy) button.textContent = button.dataset.busy;
    });
  }
  // A page that comes back from the browser's memory may be sent again; the server knows a repeated form by its key.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) window.location.reload();
  });

  // Without a script the page reloads itself; with one it asks quietly and reloads once, when the ending has changed.
  const open = document.querySelector("[data-look-again]");
  if (open) {
    const look = async () => {
      try {
        const answer = await fetch(window.location.href, { credentials: "same-origin" });
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const now = page.querySelector("[data-ending]");
        if (now && now.dataset.ending !== open.dataset.ending) { window.location.reload(); return; }
      } catch { /* the network is away for a moment: look again later */ }
      window.setTimeout(look, Number(open.dataset.lookAgain) * 1000);
    };
    window.setTimeout(look, Number(open.dataset.lookAgain) * 1000);
  }

  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }

  const leave = document.querySelector("a[data-leave-frame]");
  if (leave && window.top !== window) window.top.location.href = leave.href;

  const problem = document.querySelector("[data-problems]");
  if (problem) problem.focus();
})();
