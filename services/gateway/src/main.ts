import { runService } from "@vcc-pki/service";
import { gateway } from "./service.ts";

await runService(gateway);
