/** What is said around the reasons, which have their own two languages. */
export const WORDS = {
  en: {
    ...{ holds: "the artefact may be used", doesNotHold: "the artefact must not be used" },
    ...{ artefact: "artefact", digest: "digest", signedBy: "signed by", signedAt: "signed at", copy: "copy" },
    ...{
      check: "check",
      result: "result",
      code: "code",
      reason: "reason",
      yes: "holds",
      no: "fails",
      waived: "waived",
    },
  },
  de: {
    ...{ holds: "das Artefakt darf verwendet werden", doesNotHold: "das Artefakt darf nicht verwendet werden" },
    ...{ artefact: "Artefakt", digest: "Hashwert", signedBy: "signiert von", signedAt: "signiert am", copy: "Kopie" },
    ...{
      check: "Prüfung",
      result: "Ergebnis",
      code: "Code",
      reason: "Grund",
      yes: "erfüllt",
      no: "verletzt",
      waived: "erlassen",
    },
  },
} as const;

export type Language = keyof typeof WORDS;

export const LANGUAGES = Object.keys(WORDS) as Language[];
