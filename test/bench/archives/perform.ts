import type { FileJob } from "@davit/agents/files/job.ts";
import { performFileJob } from "@davit/agents/files/perform-job.ts";

// One job on files in a process of its own, as in a helper container, and what it took: started by measure-job.ts with the job as its
// only argument.

// Only measure-job.ts starts this, with a job that it wrote.
const job = JSON.parse(process.argv[2] ?? "") as FileJob;
const startedAtMs = performance.now();
await performFileJob(job, { signal: new AbortController().signal });
const seconds = (performance.now() - startedAtMs) / 1000;
const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
const cpuSeconds = (userCPUTime + systemCPUTime) / 1e6;
process.stdout.write(JSON.stringify({ seconds, cpuSeconds, rssBytes: maxRSS * 1024 }));
