import type { Socket } from "node:net";
import { ERRORS, PkiError } from "@vcc-pki/errors";
import type { Logger } from "@vcc-pki/telemetry";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { App } from "./http.ts";
import { approvalUrl, fromFastify, toPending, toProblem } from "./problem.ts";

const PROBLEM_JSON = "application/problem+json";

/** Every error of the door ends here, once: as a problem, or as 202 when it only waits for custodians. */
export function addErrorAnswers(app: App, log: Logger): void {
  app.setErrorHandler((thrown, request, reply) => {
    const error = fromFastify(thrown);
    const { method, routeOptions } = request;
    if (ERRORS[error.code].http >= 500) log.error("request failed", { method, route: routeOptions.url, error: thrown });
    return answer(error, request, reply);
  });
  app.setNotFoundHandler((request, reply) =>
    answer(new PkiError("METHOD_UNKNOWN", "there is no such resource or method"), request, reply),
  );
}

function answer(error: PkiError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error.code === "APPROVAL_REQUIRED") {
    const pending = toPending(error);
    return reply.code(202).header("location", approvalUrl(pending.approval_id)).send(pending);
  }
  const retryAfter = error.details.retryAfterSeconds;
  if (retryAfter !== undefined) reply.header("retry-after", retryAfter);
  return reply.code(ERRORS[error.code].http).type(PROBLEM_JSON).send(toProblem(error, request.traceId));
}

/** A path that cannot be decoded. It reaches no hook, so nobody is identified and nothing but the shape is said. */
export function answerBadUrl(_error: unknown, _request: FastifyRequest, reply: FastifyReply): void {
  reply
    .code(400)
    .type(PROBLEM_JSON)
    .send(toProblem(new PkiError("REQUEST_MALFORMED", "malformed path"), ""));
}

/** What is not HTTP, or has more headers than we take, ends with its connection. Who has not said in time what is wanted gets no answer: one that
 *  calls the request wrong would keep a client that was merely slow from trying again. */
export function answerUnparsable(error: { code?: string }, socket: Socket): void {
  const isLate = error.code === "ERR_HTTP_REQUEST_TIMEOUT";
  if (!socket.writable || isLate || error.code === "ECONNRESET") return void socket.destroy();
  const tooLarge = error.code === "HPE_HEADER_OVERFLOW";
  const problem = tooLarge
    ? new PkiError("REQUEST_TOO_LARGE", "the request's headers are too large")
    : new PkiError("REQUEST_MALFORMED", "not HTTP/1.1");
  const body = JSON.stringify(toProblem(problem, ""));
  socket.end(
    `HTTP/1.1 ${tooLarge ? "431 Request Header Fields Too Large" : "400 Bad Request"}\r\n` +
      `content-type: ${PROBLEM_JSON}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
