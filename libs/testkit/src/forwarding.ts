/** The same remote, each call of which names for whom it is asked: as the gateway does for who is at its door. */
export function forwarding<R extends object>(remote: R, requester: unknown): R {
  const calls = Object.entries(remote).map(([method, call]) => [
    method,
    (request: unknown, options?: object) => call(request, { requester, ...options }),
  ]);
  return Object.fromEntries(calls) as R;
}
