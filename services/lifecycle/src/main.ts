import { runService } from "@vcc-pki/service";
import { lifecycle } from "./service.ts";

await runService(lifecycle);
