import { z } from "zod";

/** Of each kind of thing a question may bring along. */
export const MAX_BROUGHT = 32;

export const Octets = z.base64();
const Pem = z
  .string()
  .max(256 * 1024)
  .regex(/-----BEGIN [A-Z0-9 ]+-----/, "PEM");
const brought = <T extends z.ZodType>(each: T) => z.array(each).max(MAX_BROUGHT).optional();

/** What a question is to be judged by beside what the suite knows. */
export const Brought = {
  anchors: brought(Pem).describe("Roots trusted for this question beside the suite's own, PEM"),
  certificates: brought(Pem).describe("Certificates that may stand in between and do not come along, PEM"),
  crls: brought(Pem).describe("Revocation lists to judge by, PEM"),
  ocsp_responses: brought(Octets).describe("OCSP responses to judge by, base64 of DER"),
};
