import { runService } from "@vcc-pki/service";
import { tsa } from "./service.ts";

await runService(tsa);
