import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Meter } from "@opentelemetry/api";

const NS_PER_S = 1e9;

/** Resident memory, processor time and event loop delay, read when somebody asks. OpenTelemetry semantic names. */
const metrics = {
  memory: ["process.memory.usage", { unit: "By", description: "Resident memory" }],
  cpu: ["process.cpu.time", { unit: "s", description: "Processor time used, user and system" }],
  uptime: ["process.uptime", { unit: "s", description: "Time since the process started" }],
  delayP99: ["nodejs.eventloop.delay.p99", { unit: "s", description: "99th percentile since the last reading" }],
  delayMax: ["nodejs.eventloop.delay.max", { unit: "s", description: "Longest since the last reading" }],
} as const;

/** Registers the process metrics on `meter`; returns a function that stops the sampling of the event loop. */
export function observeProcess(meter: Meter): () => void {
  const loop = monitorEventLoopDelay({ resolution: 50 });
  loop.enable();

  meter.createObservableGauge(...metrics.memory).addCallback((result) => result.observe(process.memoryUsage.rss()));
  meter.createObservableGauge(...metrics.uptime).addCallback((result) => result.observe(process.uptime()));
  meter.createObservableCounter(...metrics.cpu).addCallback((result) => {
    const { user, system } = process.cpuUsage();
    result.observe((user + system) / 1e6);
  });
  const delayP99 = meter.createObservableGauge(...metrics.delayP99);
  const delayMax = meter.createObservableGauge(...metrics.delayMax);
  meter.addBatchObservableCallback(
    (result) => {
      result.observe(delayP99, loop.percentile(99) / NS_PER_S);
      result.observe(delayMax, loop.max / NS_PER_S);
      loop.reset();
    },
    [delayP99, delayMax],
  );
  return () => loop.disable();
}
