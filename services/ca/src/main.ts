import { runService } from "@vcc-pki/service";
import { ca } from "./service.ts";

await runService(ca);
