import { randomUUIDv7 } from "node:crypto";
import { DependencyList, Service, ServiceHistory, ServiceList, type ServiceRegistration } from "@vcc-pki/gateway/api";
import type { Session } from "../session.ts";
import { fields, table } from "../table.ts";
import { date, dateWithDistance } from "../when.ts";

const SERVICES = "/api/v1/services";
const pathOf = (service: string): string => `${SERVICES}/${encodeURIComponent(service)}`;

export interface ListServicesOptions {
  readonly status?: string;
  readonly type?: string;
}

/** All of them, page after page. */
export async function listServices({ status, type }: ListServicesOptions, session: Session): Promise<void> {
  const services: Service[] = [];
  let pageToken: string | undefined;
  do {
    const query = { ...scopeOf(session), status, type, page_token: pageToken };
    const page = await session.client.call({ path: SERVICES, query, answer: ServiceList });
    services.push(...page.services);
    pageToken = page.next_page_token;
  } while (pageToken !== undefined);
  session.result({ services }, () => {
    const rows = services.map((each) => [
      ...[each.service, each.type, each.status, date(each.certificate?.not_after)],
      ...[each.endpoints.join(" "), each.owner],
    ]);
    const none = "no services: see vcc-pki service register, or vcc-pki token create";
    return table(["service", "type", "status", "certificate until", "endpoints", "owner"], rows, none);
  });
}

export async function showService(
  service: string,
  { history: wanted }: { history?: boolean },
  session: Session,
): Promise<void> {
  const query = scopeOf(session);
  const shown = await session.client.call({ path: pathOf(service), query, answer: Service });
  const path = `${pathOf(service)}/history`;
  const history = wanted ? await session.client.call({ path, query, answer: ServiceHistory }) : undefined;
  session.result({ ...shown, ...history }, () =>
    [serviceText(shown, session), ...(history === undefined ? [] : ["", historyText(history)])].join("\n"),
  );
}

function serviceText(shown: Service, { io }: Session): string {
  const { certificate } = shown;
  return fields([
    ["service", `${shown.service} of ${shown.organisation}`],
    ["type", shown.type],
    ["status", `${shown.status} (${shown.status_reason})`],
    ["approved by", shown.approved_by && `${shown.approved_by}, ${date(shown.approved_at)}`],
    ["certificate", certificate && `${certificate.cert_id}${certificate.revoked_at === undefined ? "" : " (revoked)"}`],
    ["expires", dateWithDistance(certificate?.not_after, io.clock.now())],
    ["served since", date(certificate?.served_at)],
    ["profile", shown.profile],
    ["names", [...shown.dns_names, ...shown.ip_addresses].join("\n")],
    ["endpoints", shown.endpoints.join("\n")],
    ["health", shown.health_url],
    ["depends on", shown.depends_on.join(" ")],
    ["managed by", shown.managed_by],
    ["owner", shown.owner],
    ["description", shown.description],
    ["source", shown.source],
    ["seen", date(shown.seen_at)],
  ]);
}

function historyText({ changes }: ServiceHistory): string {
  const rows = changes.map(({ at, change, to_status, reason, actor }) => [date(at), change, to_status, reason, actor]);
  return table(["when", "what", "status then", "why", "who"], rows, "nothing has happened to it");
}

export async function listDependencies(session: Session): Promise<void> {
  const found = await session.client.call({
    path: "/api/v1/dependencies",
    query: scopeOf(session),
    answer: DependencyList,
  });
  session.result(found, () => {
    const rows = found.dependencies.map((each) => [
      ...[each.source, each.target, each.target_organisation, each.declared ? "yes" : ""],
      ...[String(each.allowed_calls), String(each.denied_calls), date(each.observed_at)],
    ]);
    return table(
      ["source", "target", "of", "declared", "allowed", "denied", "last"],
      rows,
      "no dependencies are known",
    );
  });
}

export interface RegisterOptions {
  readonly type?: string;
  readonly description?: string;
  readonly owner?: string;
  readonly endpoint?: string[];
  readonly health?: string;
  readonly healthDialect?: string;
  readonly dns?: string[];
  readonly ip?: string[];
  readonly profile?: string;
  readonly dependsOn?: string[];
  readonly managedBy?: string;
  readonly approve?: boolean;
  readonly requestId?: string;
}

export async function registerService(service: string, options: RegisterOptions, session: Session): Promise<void> {
  const body: ServiceRegistration = {
    ...{ service, type: options.type, description: options.description, owner: options.owner },
    ...{ endpoints: options.endpoint, health_url: options.health, health_dialect: options.healthDialect },
    ...{ dns_names: options.dns, ip_addresses: options.ip, profile: options.profile },
    ...{ depends_on: options.dependsOn, managed_by: options.managedBy },
  };
  const requestId = options.requestId ?? randomUUIDv7();
  const query = scopeOf(session);
  const made = await session.client.call({ method: "POST", path: SERVICES, query, body, requestId, answer: Service });
  const known = options.approve ? await approve(service, `${requestId}.approve`, session) : made;
  session.result(known, () => serviceText(known, session));
}

export async function approveService(
  service: string,
  { requestId = randomUUIDv7() }: { requestId?: string },
  session: Session,
): Promise<void> {
  const approved = await approve(service, requestId, session);
  session.result(approved, () => serviceText(approved, session));
}

const approve = (service: string, requestId: string, session: Session): Promise<Service> =>
  session.client.call({
    ...{ method: "POST", path: `${pathOf(service)}/approve`, query: scopeOf(session), requestId, answer: Service },
  });

export async function removeService(service: string, { yes }: { yes?: boolean }, session: Session): Promise<void> {
  await session.confirm(`${service} will have no identity any more, and its certificates are revoked. Remove it?`, yes);
  const query = scopeOf(session);
  const removed = await session.client.call({ method: "DELETE", path: pathOf(service), query, answer: Service });
  session.result(removed, () => serviceText(removed, session));
}

const scopeOf = ({ settings }: Session) => ({ organisation: settings.organisation });
