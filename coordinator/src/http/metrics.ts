import { type Instant, type ResourceRow, RunState, StateWord } from "@davit/protocol";
import type { Desk } from "../desk.ts";

/** One number that Prometheus reads. */
export interface Metric {
	/** Without the `davit_` in front. */
	readonly name: string;
	readonly help: string;
	readonly type: "gauge" | "counter";
	readonly samples: readonly {
		readonly labels?: Readonly<Record<string, string>>;
		readonly value: number;
	}[];
}

/** What is true of the fleet now. Counts come from the documents that every door shows. */
export function fleetMetrics(desk: Desk, nowMs: number): Metric[] {
	const status = desk.status();
	const gauge = (name: string, help: string, samples: Metric["samples"]): Metric => ({
		name,
		help,
		type: "gauge",
		samples,
	});
	return [
		gauge("broker_connected", "1 while the coordinator is connected to its broker.", [
			{ value: status.broker.connected ? 1 : 0 },
		]),
		gauge(
			"host_online",
			"1 while the host is heard.",
			status.hosts.map(({ host, online }) => ({ labels: { host }, value: online ? 1 : 0 })),
		),
		gauge(
			"resources",
			"Resources by the word a person reads of them.",
			StateWord.options.map((state) => ({ labels: { state }, value: status.counts[state] ?? 0 })),
		),
		gauge(
			"runs",
			"Runs that are remembered, by state.",
			RunState.options.map((state) => ({ labels: { state }, value: desk.runs({ state }).total })),
		),
		gauge(
			"last_good_backup_age_seconds",
			"Age of the newest good archive; a resource without one is left out.",
			agesOf(desk, nowMs, ({ lastGoodBackup }) => lastGoodBackup?.takenAt),
		),
		gauge(
			"last_proven_restore_age_seconds",
			"Age of the newest restore in a drill; a resource that was never drilled is left out.",
			agesOf(desk, nowMs, ({ lastProvenRestore }) => lastProvenRestore?.at),
		),
	];
}

/** Prometheus' text format 0.0.4. */
export function renderMetrics(metrics: readonly Metric[]): string {
	return metrics.map(renderMetric).join("");
}

function agesOf(
	desk: Desk,
	nowMs: number,
	atOf: (row: ResourceRow) => Instant | undefined,
): Metric["samples"] {
	const samples: { labels: Record<string, string>; value: number }[] = [];
	for (let page = 1, pages = 1; page <= pages; page += 1) {
		const found = desk.resources({ page });
		pages = found.pages;
		for (const row of found.items) {
			const at = atOf(row);
			if (at === undefined) continue;
			const seconds = Math.max(0, nowMs - Date.parse(at)) / 1000;
			samples.push({ labels: { host: row.host, resource: row.resource }, value: seconds });
		}
	}
	return samples;
}

function renderMetric({ name, help, type, samples }: Metric): string {
	const lines = samples.map(({ labels = {}, value }) => {
		const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escapeLabel(text)}"`);
		return `davit_${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}\n`;
	});
	return `# HELP davit_${name} ${help}\n# TYPE davit_${name} ${type}\n${lines.join("")}`;
}

function escapeLabel(text: string): string {
	return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
