import { runService } from "@vcc-pki/service";
import { signing } from "./service.ts";

await runService(signing);
