import type { Output, Session } from "../session.ts";

/** Runs one command with a connection to the suite that the options name, and ends the connection after it. */
export type RunIn = (command: (session: Session) => Promise<void>) => Promise<void>;

/** Runs one command that needs nobody's certificate. */
export type RunAlone = (command: (output: Output) => Promise<void>) => Promise<void>;
