// Comfort only: every page works without it. Shows the brand while a card number is typed, keeps a second press of a
// money button from reaching the server, leaves the frame for the login, prints.
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

  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }

  const leave = document.querySelector("a[data-leave-frame]");
  if (leave && window.top !== window) window.top.location.href = leave.href;

  const problem = document.querySelector("[data-problems]");
  if (problem) problem.focus();
})();
