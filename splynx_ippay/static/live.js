// Progress without reloading the page; without JavaScript the page reloads itself. On a phone the tab of this page is in sight.
"use strict";
(() => {
  const show = () => {
    for (const tab of document.querySelectorAll(".tabs [aria-current], .tabs .is-here")) {
      const bar = tab.parentElement;
      bar.scrollLeft = tab.offsetLeft - (bar.clientWidth - tab.offsetWidth) / 2;
    }
  };
  window.addEventListener("resize", show);
  show();

  const look = async () => {
    const part = document.getElementById("progress");
    if (!part || !part.dataset.live) return;
    try {
      const answer = await fetch(part.dataset.live, { credentials: "same-origin" });
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("progress");
      if (!fresh) throw new Error("no progress");
      // Another state has other buttons and another table.
      if (fresh.dataset.state !== part.dataset.state) { window.location.reload(); return; }
      part.replaceWith(fresh);
    } catch { /* asked again below */ }
    window.setTimeout(look, 2000);
  };
  window.setTimeout(look, 1000);
})();
