import { setTimeout as sleep } from "node:timers/promises";
import { PkiError } from "@vcc-pki/errors";
import { HealthCheckRequest as Text } from "@vcc-pki/proto/health";
import { type CallContext, type CallerRule, implement, type ServiceImplementation } from "../src/index.ts";

/** A service with one RPC of each shape, over a message with one string. */
export const EchoDefinition = {
  name: "Echo",
  fullName: "test.v1.Echo",
  methods: {
    say: {
      name: "Say",
      requestType: Text as typeof Text,
      requestStream: false,
      responseType: Text as typeof Text,
      responseStream: false,
    },
    join: {
      name: "Join",
      requestType: Text as typeof Text,
      requestStream: true,
      responseType: Text as typeof Text,
      responseStream: false,
    },
    count: {
      name: "Count",
      requestType: Text as typeof Text,
      requestStream: false,
      responseType: Text as typeof Text,
      responseStream: true,
    },
    chat: {
      name: "Chat",
      requestType: Text as typeof Text,
      requestStream: true,
      responseType: Text as typeof Text,
      responseStream: true,
    },
    secret: {
      name: "Secret",
      requestType: Text as typeof Text,
      requestStream: false,
      responseType: Text as typeof Text,
      responseStream: false,
    },
  },
} as const;

export const text = (service: string): Text => ({ service });

export interface EchoOptions {
  /** Of every RPC but `secret`, which is the hsm-gateway's. */
  readonly callers?: readonly CallerRule[];
  /** What `say` answers if it is a string. */
  readonly onCall?: (context: CallContext) => unknown;
  readonly onCount?: (i: number) => void;
}

/** `say` answers what it is told, unless that is an instruction: "fail" throws NOT_FOUND with details, "crash" an Error with a
 *  secret, "sleep" waits until it is aborted. `count` counts up to the number given, or for ever. */
export function echoService({ callers = ["any-suite"], onCall, onCount }: EchoOptions = {}): ServiceImplementation {
  return implement(
    EchoDefinition,
    {
      async say({ service }, context) {
        const said = await onCall?.(context);
        if (service === "fail") {
          throw new PkiError("NOT_FOUND", "nichts da: ä→€", {
            details: { what: "Zürich ☃" },
            cause: new Error("inside"),
          });
        }
        if (service === "crash") throw new Error("PIN 1234");
        if (service === "sleep") await sleep(60_000, undefined, { signal: context.signal });
        return text(typeof said === "string" ? said : service);
      },
      async join(messages) {
        const words: string[] = [];
        for await (const { service } of messages) words.push(service);
        return text(words.join(" "));
      },
      async *count({ service }, context) {
        onCall?.(context);
        const last = service === "" ? Number.POSITIVE_INFINITY : Number(service);
        for (let i = 1; i <= last; i++) {
          onCount?.(i);
          yield text(`${i}`);
          if (service === "") await sleep(1);
        }
      },
      async *chat(messages, context) {
        onCall?.(context);
        for await (const { service } of messages) {
          if (service === "fail") throw new PkiError("HSM_UNAVAILABLE", "no token");
          yield text(service);
        }
      },
      async secret() {
        return text("42");
      },
    },
    { say: callers, join: callers, count: callers, chat: callers, secret: ["hsm-gateway"] },
  );
}
