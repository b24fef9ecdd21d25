import { runService } from "@vcc-pki/service";
import { hsmGateway } from "./service.ts";

await runService(hsmGateway);
