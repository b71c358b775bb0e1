/* The query string is a page's state, both ways.

   Dash draws a page when the path changes. Within a page the controls set the address (store "address"), and going back,
   forward, or to a link of the same page sets the controls (store "query-<page>"). */
window.dash_clientside = window.dash_clientside || {};
(function () {
  let settled = false; // the first address after a page was drawn only completes the one that was requested

  function write(address) {
    if (!address || address.path !== location.pathname || address.search === location.search) return;
    const url = address.path + address.search;
    settled ? history.pushState({}, "", url) : history.replaceState({}, "", url);
  }

  function query() {
    const state = {};
    const params = new URLSearchParams(location.search);
    for (const key of params.keys()) {
      const values = params.getAll(key);
      state[key] = values.length > 1 ? values : values[0];
    }
    return state;
  }

  let path = location.pathname;
  function restore() {
    const page = document.querySelector(".page");
    const here = path === location.pathname;
    path = location.pathname;
    settled = false;
    if (here && page) window.dash_clientside.set_props(page.id.replace("page-", "query-"), { data: query() });
  }

  window.addEventListener("popstate", restore);
  window.addEventListener("_dashprivate_pushstate", restore);
  // any input of the user settles the address: from then on a change of it is a step that one can go back from
  for (const act of ["pointerdown", "keydown"]) window.addEventListener(act, () => (settled = true), true);
  window.dash_clientside.address = { write };
})();
