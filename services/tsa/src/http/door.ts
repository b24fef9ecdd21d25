import { type HttpServer, openHttpServer } from "@vcc-pki/service";
import type { Logger } from "@vcc-pki/telemetry";
import type { Clock } from "@vcc-pki/time";
import type { TsaConfig } from "../config.ts";
import { MAX_REQUEST_OCTETS, REQUEST_TYPE, type TsaDoor } from "./tsa.ts";

export interface HttpDoorOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly limits: TsaConfig["limits"];
  readonly tsa: TsaDoor;
  readonly clock: Clock;
  readonly log: Logger;
}

const MAX_HEADER_OCTETS = 8 * 1024;

/** The public door: plain HTTP. Rejects when the port cannot be bound. */
export const openHttpDoor = ({ tsa, ...options }: HttpDoorOptions): Promise<HttpServer> =>
  openHttpServer({
    ...options,
    maxHeaderOctets: MAX_HEADER_OCTETS,
    handle: (request, response, path) => tsa.handle(request, response, path),
    plain: { door: tsa, root: "/tsa", requestType: REQUEST_TYPE, maxBodyOctets: MAX_REQUEST_OCTETS },
  });
