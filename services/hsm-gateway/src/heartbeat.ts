import { PkiError } from "@vcc-pki/errors";
import type { Logger } from "@vcc-pki/telemetry";
import { revalidateCopies } from "./key-pair.ts";
import type { Connection, Token } from "./token.ts";
import type { Trail } from "./trail.ts";

export interface HeartbeatOptions {
  readonly token: Token;
  readonly trail: Trail;
  readonly log: Logger;
  readonly everyMs: number;
  /** SPIFFE URI of the gateway, for its own audit records. */
  readonly self: string;
  /** Called once for each new connection: what waited for the token can be done. */
  readonly onConnected: () => Promise<void>;
}

export interface Heartbeat {
  stop(): Promise<void>;
}

/** Looks after the token while nobody asks for it: notices that it went, finds it again, drops session copies of keys that are
 *  gone. The first beat is awaited. Throws CONFIG_INVALID. */
export async function startHeartbeat(options: HeartbeatOptions): Promise<Heartbeat> {
  const { token, trail, log, self } = options;
  let seen: Connection | undefined;
  let isPinReported = false;

  const beat = async (): Promise<void> => {
    token.probe();
    const connection = await token.connect();
    await token.change(revalidateCopies);
    if (connection === seen) return;
    await options.onConnected();
    seen = connection;
  };

  const survive = async (error: unknown): Promise<void> => {
    if (!(error instanceof PkiError)) log.error("token could not be looked after", { error });
    else if (error.code !== "HSM_PIN_WRONG") log.debug("token is away", { error });
    else if (!isPinReported) {
      isPinReported = true;
      const record = {
        action: "token.login",
        outcome: "failed",
        caller: self,
        requester: self,
        organisation: "",
      } as const;
      await trail
        .add({ ...record, code: error.code })
        .catch((cause) => log.error("failed login not recorded", { error: cause }));
    }
  };

  try {
    await beat();
  } catch (error) {
    if (!(error instanceof PkiError) || error.code === "CONFIG_INVALID") throw error;
    log.warn("started without the token", { error });
    await survive(error);
  }

  let running: Promise<void> | undefined;
  const timer = setInterval(() => {
    running ??= beat()
      .catch(survive)
      .finally(() => {
        running = undefined;
      });
  }, options.everyMs);
  timer.unref();
  return {
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}
