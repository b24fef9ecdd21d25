import { runService } from "@vcc-pki/service";
import { discovery } from "./service.ts";

await runService(discovery);
