import type { CallOptions } from "@vcc-pki/rpc";
import type { Home } from "@vcc-pki/suite-tool";
import type { Clock } from "@vcc-pki/time";
import type { Approver } from "./approvals.ts";
import type { Configurations, InProcessSuite } from "./in-process.ts";
import type { Script } from "./script.ts";
import type { Facts, Transcript } from "./transcript.ts";

/** What a step works with. */
export interface StepContext {
  readonly home: Home;
  readonly script: Script;
  readonly clock: Clock;
  readonly transcript: Transcript;
  readonly configurations: Configurations;
  /** Obtains the custodians' decisions. */
  readonly approver: Approver;
  /** The services, started when first asked for: before that there is no token and no database key. */
  suite(): Promise<InProcessSuite>;
  /** In whose name the ceremony asks the ca: the operator's first administrator. */
  readonly operator: CallOptions & { readonly requester: string };
  /** The operator's organisation. */
  readonly organisation: string;
  /** SPIFFE URI of a person of the operator. */
  personUri(id: string): string;
  /** The same for the same step in the same ceremony, so that after an interruption the services know it again. */
  requestId(what: string): string;
  /** Shows a line to the people in the room. */
  say(text: string): void;
  readonly signal: AbortSignal;
}

/** Does what a step of the script says and answers what is to be written down. May be called again after an interruption. */
export type RunStep<S> = (step: S, context: StepContext) => Promise<Facts>;
