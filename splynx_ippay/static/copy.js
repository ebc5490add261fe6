// Comfort only: buttons that copy a text; without a script the text can be marked and copied by hand.
"use strict";
(() => {
  for (const button of document.querySelectorAll("button[data-copy]")) {
    const text = document.getElementById(button.dataset.copy);
    if (!text) continue;
    const before = button.textContent;
    button.hidden = false;
    button.addEventListener("click", async () => {
      if (text.select) text.select();
      else window.getSelection().selectAllChildren(text);
      try {
        await navigator.clipboard.writeText(text.value ?? text.textContent.trim());
      } catch { // in a page without https there is no clipboard to write to
        document.execCommand("copy");
      }
      button.textContent = button.dataset.done;
      window.setTimeout(() => { button.textContent = before; }, 2000);
    });
  }
})();
