/* Where a session is over, callbacks are answered by 401: go and sign in again, and come back to this page. */
(function () {
  const ask = window.fetch;
  window.fetch = async function (...request) {
    const answer = await ask.apply(this, request);
    if (answer.status === 401 && new URL(answer.url).origin === location.origin)
      location.assign("/sign-in?next=" + encodeURIComponent(location.pathname + location.search));
    return answer;
  };
})();
