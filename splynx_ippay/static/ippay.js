// Comfort only: every page works without it. Shows brand or bank while a number is typed, keeps a second press of a
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

  for (const input of document.querySelectorAll("input[data-bank]")) {
    const place = document.getElementById(input.dataset.bank);
    input.addEventListener("input", async () => {
      const typed = input.value.trim();
      place.textContent = "";
      if (!/^\d{9}$/.test(typed)) return;
      try {
        const answer = await fetch(input.dataset.banks + typed, { credentials: "omit" });
        const { name } = await answer.json();
        if (input.value.trim() === typed) place.textContent = name || input.dataset.unknown;
      } catch { /* the name is comfort only */ }
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

  for (const tap of document.querySelectorAll("a[data-amount]")) {
    tap.addEventListener("click", (event) => {
      const field = document.getElementById(tap.dataset.for);
      if (!field) return;
      event.preventDefault();
      field.value = tap.dataset.amount;
      field.focus();
    });
  }

  // What is ticked, added up while choosing. The page that follows shows the sum that counts.
  const cart = document.querySelector("form[data-sums]");
  if (cart) {
    const [label, sum] = cart.querySelectorAll("[data-ticked]");
    const count = () => {
      let total = 0;
      for (const box of cart.querySelectorAll("input[name=pick]:checked")) {
        const typed = cart.querySelector(`[name="sum-${box.value}"]`);
        const amount = (typed && typed.value.trim()) || box.dataset.due;
        total += /^\d{1,9}([.,]\d+)?$/.test(amount) ? Number(amount.replace(",", ".")) : NaN;
      }
      const lump = cart.querySelector("[name=lump]");
      label.hidden = sum.hidden = Number.isNaN(total) || Boolean(lump && lump.value.trim());
      sum.textContent = total.toLocaleString(document.documentElement.lang, { style: "currency", currency: cart.dataset.sums });
    };
    if (sum) { cart.addEventListener("input", count); count(); }
  }

  const leave = document.querySelector("a[data-leave-frame]");
  if (leave && window.top !== window) {
    // Where the host's page is nothing but this frame, and the frame began with what was wanted, its page is the better one.
    const login = new URL(leave.href), around = window.top.location, began = window.frameElement;
    const wanted = new URL(login.searchParams.get("return"), around.origin);
    if (/\/add-on$/.test(around.pathname) && began && new URL(began.src).pathname === wanted.pathname) {
      login.searchParams.set("return", around.pathname + around.search);
    }
    around.href = login.href;
  }

  const problem = document.querySelector("[data-problems]");
  if (problem) problem.focus();
})();
