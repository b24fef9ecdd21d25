import { PkiError } from "@vcc-pki/errors";
import type { Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import pkcs11js from "pkcs11js";
import { withPin } from "./pin.ts";
import { CKR, type Handle, isLost, isPinRejected, type Pkcs11, returnValueOf } from "./pkcs11.ts";
import { SessionPool } from "./session-pool.ts";

export interface TokenOptions {
  readonly pkcs11: Pkcs11;
  /** CKA label of the token; slot numbers change, labels do not. */
  readonly label: string;
  readonly pinFile: string;
  /** Sessions for operations on other threads. */
  readonly poolSize: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** One login on the token and everything whose meaning ends with it. Handles never outlive their connection. */
export interface Connection {
  readonly pkcs11: Pkcs11;
  /** The session of the event loop: used synchronously, from start to end of an operation. It holds the session copies. */
  readonly loop: Handle;
  readonly pool: SessionPool;
  readonly mechanisms: ReadonlySet<number>;
  /** Where keys live, as a person should read it. */
  readonly description: string;
  /** Private keys by key id, as they were found or copied. */
  readonly keys: Map<string, Handle>;
  /** Ids of those keys of which `keys` holds a session copy. */
  readonly copies: Set<string>;
}

export type TokenState = "connected" | "away" | "pin-rejected";

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;
const { CKF_OS_LOCKING_OK, CKF_RW_SESSION, CKF_SERIAL_SESSION, CKU_USER } = pkcs11js;

/** The token: logs in once, notices when it went away, comes back when it does. A wrong PIN is never tried twice, because tokens
 *  lock themselves: only a restart with another PIN file helps. */
export class Token {
  readonly #options: TokenOptions;
  #connection: Connection | undefined;
  #connecting: Promise<Connection> | undefined;
  /** The last connection, whose lent sessions must come home before the module is finalised. */
  #retired: Connection | undefined;
  #initialised = false;
  #pinRejected = false;
  #closed = false;
  #lastChange: Promise<unknown> = Promise.resolve();
  #nextAttemptMs = 0;
  #waitMs = FIRST_WAIT_MS;
  #description = "token not seen yet";

  constructor(options: TokenOptions) {
    withPin(options.pinFile, () => {}); // a public or empty file is a fault of the configuration, known at start
    this.#options = options;
  }

  get state(): TokenState {
    if (this.#pinRejected) return "pin-rejected";
    return this.#connection ? "connected" : "away";
  }

  /** "software token (SoftHSM)", or manufacturer and model. */
  get description(): string {
    return this.#description;
  }

  /** The connection, if there is one right now, for work on the event loop. */
  get current(): Connection | undefined {
    return this.#connection;
  }

  /** Runs `work` on a connection. When the connection turns out to be lost, connects anew and runs it once more: `work` must bear
   *  repetition. Throws HSM_UNAVAILABLE, HSM_PIN_WRONG, or what `work` throws of its own. */
  async run<T>(work: (connection: Connection) => Promise<T> | T): Promise<T> {
    const connection = await this.connect();
    try {
      return await work(connection);
    } catch (error) {
      if (!isLost(error)) throw error;
      this.drop(connection, error);
    }
    const renewed = await this.connect();
    try {
      return await work(renewed);
    } catch (error) {
      if (!isLost(error)) throw error;
      this.drop(renewed, error);
      throw unavailable(error);
    }
  }

  /** As `run`, for work that makes, destroys or looks for objects: one such work at a time. SoftHSM answers CKR_GENERAL_ERROR now and
   *  then when an object is being made on one thread while another makes or looks for one, which looks like a token that went away. */
  change<T>(work: (connection: Connection) => Promise<T> | T): Promise<T> {
    const change = this.#lastChange.then(() => this.run(work));
    this.#lastChange = change.catch(() => {});
    return change;
  }

  /** The present connection or a new one. Throws HSM_UNAVAILABLE or HSM_PIN_WRONG. */
  connect(): Promise<Connection> {
    if (this.#connection) return Promise.resolve(this.#connection);
    this.#connecting ??= this.#reconnect().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  /** Forgets a connection that `error` proved dead. */
  drop(connection: Connection, error: unknown): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    this.#retired = connection;
    this.#options.log.warn("token connection lost", { error });
  }

  /** Asks the token for a sign of life; a dead connection is dropped. */
  probe(): void {
    const connection = this.#connection;
    if (!connection) return;
    try {
      connection.pkcs11.C_GetSessionInfo(connection.loop);
    } catch (error) {
      this.drop(connection, error);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#connecting?.catch(() => {});
    const last = this.#connection ?? this.#retired;
    this.#connection = undefined;
    await last?.pool.idle();
    this.#finalise();
  }

  async #reconnect(): Promise<Connection> {
    const { clock, log } = this.#options;
    if (this.#closed) throw unavailable(new Error("the gateway is closing"));
    if (this.#pinRejected) throw pinWrong();
    if (clock.monotonicMs() < this.#nextAttemptMs) throw unavailable(new Error("waiting before the next attempt"));
    await this.#retired?.pool.idle();
    this.#retired = undefined;
    try {
      this.#connection = this.#open();
    } catch (error) {
      this.#nextAttemptMs = clock.monotonicMs() + this.#waitMs;
      this.#waitMs = Math.min(this.#waitMs * 2, LONGEST_WAIT_MS);
      if (this.#pinRejected) throw pinWrong(error);
      if (error instanceof PkiError || returnValueOf(error) === undefined) throw error;
      throw unavailable(error);
    }
    this.#waitMs = FIRST_WAIT_MS;
    log.info("token connected", { token: this.#description, label: this.#options.label });
    return this.#connection;
  }

  /** Initialises the module afresh, which also makes it look for tokens again, and logs in. */
  #open(): Connection {
    const { pkcs11, label, poolSize } = this.#options;
    this.#finalise();
    this.#initialise();
    const slot = this.#findSlot();
    const { manufacturerID, model } = pkcs11.C_GetTokenInfo(slot);
    this.#description = describe(manufacturerID, model);
    const open = (): Handle => pkcs11.C_OpenSession(slot, CKF_RW_SESSION | CKF_SERIAL_SESSION);
    const loop = open();
    this.#login(loop, label);
    return {
      pkcs11,
      loop,
      pool: new SessionPool(Array.from({ length: poolSize }, open)),
      mechanisms: new Set(pkcs11.C_GetMechanismList(slot)),
      description: this.#description,
      keys: new Map(),
      copies: new Set(),
    };
  }

  #initialise(): void {
    try {
      this.#options.pkcs11.C_Initialize({ flags: CKF_OS_LOCKING_OK });
    } catch (error) {
      // Two owners of one module would finalise it under each other, and handles of one would name objects of the other.
      if (returnValueOf(error) === CKR.CRYPTOKI_ALREADY_INITIALIZED) {
        throw new Error("the PKCS#11 module is in use elsewhere in this process", { cause: error });
      }
      throw error;
    }
    this.#initialised = true;
  }

  #finalise(): void {
    if (!this.#initialised) return;
    this.#initialised = false;
    try {
      this.#options.pkcs11.C_Finalize();
    } catch (error) {
      if (returnValueOf(error) !== CKR.CRYPTOKI_NOT_INITIALIZED) {
        this.#options.log.warn("PKCS#11 module did not finalise", { error });
      }
    }
  }

  #findSlot(): Handle {
    const { pkcs11, label } = this.#options;
    const slots = pkcs11.C_GetSlotList(true).filter((slot) => pkcs11.C_GetTokenInfo(slot).label.trimEnd() === label);
    const [slot, second] = slots;
    if (second) throw new PkiError("CONFIG_INVALID", `more than one token is labelled ${label}`);
    if (!slot) throw unavailable(new Error(`no token is labelled ${label}`));
    return slot;
  }

  /** Login is per application and token, not per session: this is the only place that does it. */
  #login(session: Handle, label: string): void {
    try {
      withPin(this.#options.pinFile, (pin) => this.#options.pkcs11.C_Login(session, CKU_USER, pin));
    } catch (error) {
      if (returnValueOf(error) === CKR.USER_ALREADY_LOGGED_IN) return;
      if (isPinRejected(error)) {
        this.#pinRejected = true;
        this.#options.log.error("token rejected the PIN; it will not be tried again", { error, label });
      }
      throw error;
    }
  }
}

/** SoftHSM keeps keys in files: whoever reads "HSM" must not believe it is one. */
function describe(manufacturerID: string, model: string): string {
  const name = `${manufacturerID.trim()} ${model.trim()}`;
  return /softhsm/i.test(name) ? "software token (SoftHSM)" : name;
}

const unavailable = (cause: unknown): PkiError =>
  new PkiError("HSM_UNAVAILABLE", "the token is not available", { cause });

const pinWrong = (cause?: unknown): PkiError =>
  new PkiError("HSM_PIN_WRONG", "the token rejected the PIN; it will not be tried again before a restart", { cause });
