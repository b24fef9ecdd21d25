import { z } from "zod";

/** A body of type application/pkcs10 (RFC 5967), unparsed. */
export const Pkcs10 = z.instanceof(Buffer).meta({ type: "string", format: "binary", description: "PKCS#10, DER" });
