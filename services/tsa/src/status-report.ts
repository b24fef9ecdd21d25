import type { ClockStatus, StatusResponse, UnitCertificate, UnitStatus } from "@vcc-pki/proto/tsa";
import type { Clock } from "@vcc-pki/time";
import type { ClockProof } from "./clock/index.ts";
import type { UnitConfig } from "./config.ts";
import type { TokenTable } from "./store/tokens.ts";
import type { UnitKeyTable } from "./store/unit-keys.ts";
import type { Units } from "./units.ts";

export interface StatusReportOptions {
  readonly proof: ClockProof;
  readonly units: Units;
  readonly unitKeys: UnitKeyTable;
  readonly tokens: TokenTable;
  readonly replica: string;
  readonly clock: Clock;
}

/** What one replica says of itself: its clock, its units, their certificates. */
export class StatusReport {
  readonly #options: StatusReportOptions;

  constructor(options: StatusReportOptions) {
    this.#options = options;
  }

  status(): StatusResponse {
    const { replica, units, tokens } = this.#options;
    return {
      replica,
      clock: this.#clock(),
      units: units.configs.map((unit) => this.#unit(unit)),
      tokens: tokens.count(),
    };
  }

  /** Of all units for "". Those of keys that are replaced are shown on: tokens rest on them. */
  certificatesOf(name: string): UnitCertificate[] {
    const { unitKeys, units, clock } = this.#options;
    return unitKeys.all().flatMap(({ unit, unitKey, issued, isTest: test }) => {
      if (issued === undefined || (name !== "" && unit !== name)) return [];
      const key = units.keyFor(unit, clock.now());
      const current = typeof key !== "string" && key.unitKey === unitKey;
      return { unit, chainDer: [...issued.chainDer], current, signsUntil: issued.signsUntil, test };
    });
  }

  #clock(): ClockStatus {
    const { proof } = this.#options;
    const { state, evidence } = proof;
    return {
      unavailable: state === "available" ? "" : state,
      unproven: !proof.isProven,
      evidenceId: evidence?.id ?? "",
      evidenceTakenAt: evidence?.takenAt,
      offsetMs: evidence?.offsetMs ?? 0,
      errorMs: evidence?.errorMs ?? 0,
    };
  }

  #unit({ name: unit, policies, keyAlgorithm, test, accuracy: accuracyMs }: UnitConfig): UnitStatus {
    const { units, clock } = this.#options;
    const key = units.keyFor(unit, clock.now());
    const common = { unit, policyOids: policies, keyAlgorithm, test, accuracyMs };
    if (typeof key === "string") return { ...common, unavailable: key, signsUntil: undefined, notAfter: undefined };
    const signsUntil = new Date(key.signsUntilMs);
    return { ...common, unavailable: "", signsUntil, notAfter: key.certificate.notAfter };
  }
}
