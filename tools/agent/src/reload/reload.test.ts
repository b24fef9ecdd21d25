import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createReload, ReloadConfig } from "./reload.ts";

const reloadBy = (config: unknown, hosts: string[] = []) => createReload(ReloadConfig.parse(config), hosts);
const failed = (message: string | RegExp) =>
  expect.objectContaining({ code: "RELOAD_FAILED", message: expect.stringMatching(message) });
const newDirectory = () => mkdtempSync(join(tmpdir(), "vcc-agent-reload-"));

describe("a command", () => {
  it("runs without a shell, and without what the agent was told", async () => {
    const file = join(newDirectory(), "said");
    process.env.VCC_ENROL_TOKEN = "secret";
    onTestFinished(() => {
      delete process.env.VCC_ENROL_TOKEN;
    });
    const write =
      'require("node:fs").writeFileSync(process.argv[1], JSON.stringify([process.argv[2], process.env.VCC_ENROL_TOKEN ?? null]))';
    await reloadBy({ command: [process.execPath, "-e", write, file, "$(id); x"] })();
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(["$(id); x", null]);
  });

  it("has failed when it says so, with the end of what it said", async () => {
    const loud = 'process.stdout.write("x".repeat(100000)); console.error("no such unit"); process.exitCode = 3';
    const error = await reloadBy({ command: [process.execPath, "-e", loud] })().catch((caught) => caught);
    expect(error).toEqual(failed("ended with 3"));
    expect(error.details.output.length).toBeLessThanOrEqual(2_048);
  });

  it("has failed when there is no such program", async () => {
    await expect(reloadBy({ command: ["/no/such/program"] })()).rejects.toEqual(failed("could not be started"));
  });

  it("is ended with its children when it hangs", async () => {
    const file = join(newDirectory(), "pid");
    const hang = `require("node:fs").writeFileSync(${JSON.stringify(file)}, String(require("node:child_process").spawn("sleep", ["600"]).pid)); setInterval(() => {}, 1000)`;
    await expect(reloadBy({ command: [process.execPath, "-e", hang], timeout: "2s" })()).rejects.toEqual(
      failed("took longer"),
    );
    const child = Number(readFileSync(file, "utf8"));
    await expect.poll(() => isAlive(child)).toBe(false);
  });
});

describe("a signal", () => {
  it("reaches the process in the file", async () => {
    const pidFile = join(newDirectory(), "pid");
    const script =
      'process.on("SIGHUP", () => { console.log("heard"); process.exit(0) }); setInterval(() => {}, 1000); console.log("ready")';
    const service = spawn(process.execPath, ["-e", script]);
    onTestFinished(() => void service.kill("SIGKILL"));
    let said = "";
    service.stdout.on("data", (chunk) => {
      said += chunk;
    });
    await expect.poll(() => said).toContain("ready");
    writeFileSync(pidFile, `${service.pid}\n`);
    const exit = once(service, "exit");
    await reloadBy({ signal: { pidFile } })();
    await exit;
    expect(said).toContain("heard");
  });

  it.each([["1"], ["0"], ["-5"], ["argus"], [""], ["99999999999"]])("is not sent to %j", async (content) => {
    const pidFile = join(newDirectory(), "pid");
    writeFileSync(pidFile, content);
    await expect(reloadBy({ signal: { pidFile } })()).rejects.toEqual(failed("does not begin with"));
  });

  it("has failed when there is no such process, or no such file", async () => {
    const ended = spawn("true");
    await once(ended, "exit");
    await expect(reloadBy({ signal: { pid: ended.pid } })()).rejects.toEqual(failed("did not reach"));
    await expect(reloadBy({ signal: { pidFile: "/no/such/file" } })()).rejects.toEqual(failed("cannot read"));
  });

  it.each([
    [{ signal: {} }],
    [{ signal: { pid: 2, pidFile: "x" } }],
    [{ signal: { pid: 1 } }],
    [{ signal: { pid: 5, name: "SIGKILL" } }],
  ])("is refused as %j", (config) => expect(ReloadConfig.safeParse(config).success).toBe(false));
});

describe("a request", () => {
  const newServer = async (status: number | undefined, location?: string) => {
    const heard: string[] = [];
    const server = createServer((request, response) => {
      heard.push(`${request.method} ${request.url}`);
      if (status !== undefined) response.writeHead(status, location ? { location } : {}).end();
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return { heard, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/reload` };
  };

  it("is a POST, and any 2xx is a yes", async () => {
    const { heard, url } = await newServer(204);
    await reloadBy({ http: { url } })();
    expect(heard).toEqual(["POST /reload"]);
  });

  it("has failed with anything else, a redirect included, which is not followed", async () => {
    const other = await newServer(200);
    const { url } = await newServer(307, other.url);
    await expect(reloadBy({ http: { url } })()).rejects.toEqual(failed("answered 307"));
    expect(other.heard).toEqual([]);
  });

  it("has failed when no answer comes", async () => {
    const { url } = await newServer(undefined);
    await expect(reloadBy({ http: { url }, timeout: "200ms" })()).rejects.toEqual(failed("took longer"));
  });

  it("goes to this machine, and to hosts that are named", () => {
    const refusal = expect.objectContaining({ code: "CONFIG_INVALID" });
    const to = (url: string, hosts?: string[]) => () => reloadBy({ http: { url } }, hosts);
    expect(to("http://169.254.169.254/")).toThrow(refusal);
    expect(to("http://localhost.evil.example/")).toThrow(refusal);
    expect(to("http://127.evil.example/")).toThrow(refusal);
    expect(to("https://proxy.vcc.internal/reload")).toThrow(refusal);
    expect(to("https://proxy.vcc.internal/reload", ["proxy.vcc.internal"])).not.toThrow();
    expect(to("http://[::1]:9000/")).not.toThrow();
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A killed child of a killed parent may wait to be collected.
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
