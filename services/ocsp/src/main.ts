import { runService } from "@vcc-pki/service";
import { ocsp } from "./service.ts";

await runService(ocsp);
