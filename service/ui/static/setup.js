// Makes Setup quicker: what is changed is sent at once, what is searched for is found while it is typed, and the page
// stays where it is. Everything works without this file; where it cannot help, the browser does what it would without.
"use strict";

(() => {
  const root = document.documentElement;
  const pause = 180; // milliseconds without a key, after which a search is made
  const told = document.createElement("p");
  let waiting = Promise.resolve(); // changes are sent one after the other, in their order
  let unsent = 0;
  let noting = null; // reason, note and reference on their way
  let seeking = null;
  let timer = 0;

  const main = () => document.getElementById("main");
  const tell = (words) => { told.textContent = words; };
  // What a control is, in the page before and in the page after.
  const nameOf = (control) => {
    if (!control || control === document.body) return null;
    if (control.id) return `#${CSS.escape(control.id)}`;
    const value = control.matches("[type=radio], [type=checkbox], button") ? `[value="${CSS.escape(control.value)}"]` : "";
    if (control.name) return `${control.localName}[name="${CSS.escape(control.name)}"]${value}`;
    return control.href ? `a[href="${CSS.escape(control.getAttribute("href"))}"]` : null;
  };

  // Put the answered page in place of this one; what is being typed, the focus and the scroll stay.
  const show = (html, place) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    const next = page.getElementById("main");
    if (!next) return false;
    const active = document.activeElement;
    const focus = main().contains(active) ? nameOf(active) : null;
    const caret = active && typeof active.selectionStart === "number" ? active.selectionStart : null;
    const typed = [...document.querySelectorAll("[data-keep] :is(input:not([type=hidden]), textarea, select)")];
    const open = [...main().querySelectorAll("details[open] > summary")].map((summary) => summary.textContent.trim());
    const scrolled = [".finder", ".panel"].map((part) => [part, main().querySelector(part)?.scrollTop]);
    main().replaceWith(document.adoptNode(next));
    document.title = page.title;
    if (place && place !== location.href) history.replaceState(null, "", place);
    for (const control of typed) {
      const same = control.id && document.getElementById(control.id);
      if (same) same.value = control.value;
    }
    for (const summary of main().querySelectorAll("details > summary")) {
      summary.parentElement.open ||= open.includes(summary.textContent.trim());
    }
    for (const [part, top] of scrolled) main().querySelector(part)?.scrollTo(0, top);
    const again = focus && main().querySelector(focus);
    if (again) {
      again.focus({ preventScroll: true });
      if (caret !== null && again.setSelectionRange && again.type !== "email") again.setSelectionRange(caret, caret);
    }
    settle();
    return true;
  };

  const fieldsOf = (form, button) => {
    const fields = new FormData(form);
    if (button && button.name) fields.append(button.name, button.value);
    return new URLSearchParams(fields);
  };

  // Send a change, and show what it does once no other one waits.
  const send = (form, button) => {
    if (button) stopSeeking(); // whoever presses a button goes on from what they search for
    const body = fieldsOf(form, button);
    const address = button?.getAttribute("formaction") || form.getAttribute("action");
    unsent += 1;
    waiting = waiting.then(async () => {
      try {
        const answer = await fetch(address, { method: "POST", body });
        const html = await answer.text();
        unsent -= 1;
        if (unsent) return;
        if (new URL(answer.url).pathname.startsWith("/signin") || !show(html, answer.url)) location.assign(answer.url);
        else tell(document.getElementById("counts")?.textContent || "");
      } catch {
        unsent = 0;
        leaveToBrowser(form, button);
      }
    });
  };

  const leaveToBrowser = (form, button) => {
    form.dataset.left = "";
    form.requestSubmit(button?.form === form ? button : undefined);
  };

  // Find while typing: the newest search alone is shown, and nothing that was found before a change is shown after it.
  const seek = async (form) => {
    stopSeeking();
    const mine = seeking = new AbortController();
    const place = new URL(form.getAttribute("action"), location.href);
    place.search = fieldsOf(form);
    try {
      let change, html;
      do {
        change = waiting;
        await change;
        const answer = await fetch(place, { signal: mine.signal });
        if (!answer.ok) return;
        html = await answer.text();
      } while (change !== waiting);
      show(html, place.href);
    } catch { /* another search came, or none can be made now: the button is still there */ }
  };

  const stopSeeking = () => { clearTimeout(timer); seeking?.abort(); };

  document.addEventListener("input", (event) => {
    if (!event.target.matches("input[data-seek]")) return;
    clearTimeout(timer);
    timer = setTimeout(seek, pause, event.target.form);
  });

  document.addEventListener("change", (event) => {
    const form = event.target.form;
    if (!form) return;
    if (event.target.matches("select[data-seek], [data-choose] *")) seek(form);
    else if (form.matches("[data-live]")) send(form);
    else if (form.matches("[data-show]") && event.target.localName === "select") send(form, form.querySelector("[name=show]"));
    else if (form.matches("[data-keep]")) {
      const body = fieldsOf(form);
      body.set("do", "note");
      const mine = noting = waiting = waiting.then(() => fetch(form.getAttribute("action"), { method: "POST", body }))
        .catch(() => {})
        .then(() => { if (noting === mine) noting = null; });
    }
  });

  document.addEventListener("submit", (event) => {
    const { target: form, submitter: button } = event;
    if ("left" in form.dataset) { delete form.dataset.left; return; }
    if (form.matches("[data-keep]") && (unsent || noting)) {
      event.preventDefault(); // nothing is saved unseen, and no note comes after Save
      if (unsent) waiting.then(() => tell("Look at what it does, then save."));
      else noting.then(() => leaveToBrowser(form, button));
      return;
    }
    const post = (button?.getAttribute("formmethod") || form.method) === "post";
    if (!post && form.querySelector("[data-seek]")) { event.preventDefault(); seek(form); }
    else if (form.matches("[data-live]") || button?.matches("[formmethod]")) { event.preventDefault(); send(form, button); }
  });

  // On a narrow page the list of screens is folded once something of it is open.
  const settle = () => {
    const list = document.querySelector(".finder .list");
    const narrow = matchMedia("(max-width: 48rem)").matches;
    const finding = document.activeElement?.id === "find" || new URLSearchParams(location.search).get("find");
    if (list && narrow && !finding && list.querySelector("[aria-current]")) list.open = false;
  };

  root.classList.add("js");
  told.className = "unseen";
  told.setAttribute("role", "status");
  document.body.append(told);
  document.getElementById("problems")?.focus();
  settle();
})();
