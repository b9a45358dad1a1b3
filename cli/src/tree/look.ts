import { type CommandSpec, type OptionSpec, watching } from "./spec.ts";

const listing: readonly OptionSpec[] = [
	{ flags: "--host <name>", summary: "only of this host" },
	{ flags: "--state <word>", summary: "only in this state" },
	{ flags: "--page <number>", summary: "one page of 100 rows; without it all of them" },
];

export const look: readonly CommandSpec[] = [
	{
		name: "status",
		words: "[address]",
		summary: "Say whether everything is safe, and what needs you.",
		options: [{ flags: "--check", summary: "exit 1 if anything needs you" }],
		examples: ["davit status", "davit status nas/grafana-data", "davit status --check --quiet"],
		documents: ["davit/status/1", "davit/resource/1", "davit/host/1"],
	},
	{
		name: "list",
		words: "<kind> [address]",
		summary: "List hosts, resources, archives, runs or schedules.",
		options: listing,
		examples: [
			"davit list resources",
			"davit list archives nas/grafana-data",
			"davit list runs --state failed",
		],
		documents: [
			"davit/hosts/1",
			"davit/resources/1",
			"davit/archives/1",
			"davit/runs/1",
			"davit/schedules/1",
		],
	},
	{
		name: "show",
		words: "<address|id>",
		summary: "Show one host, resource, archive, run, plan or schedule.",
		examples: ["davit show nas/grafana-data", "davit show 7f3a", "davit show nas/grafana-data@latest"],
		documents: [
			"davit/resource/1",
			"davit/host/1",
			"davit/archive/1",
			"davit/run/1",
			"davit/plan/1",
			"davit/schedule/1",
		],
	},
	{
		name: "browse",
		words: "<archive> [path]",
		summary: "List one folder of an archive.",
		options: [
			{ flags: "--from <number>", summary: "begin at this entry, counted from 0; at most 200 are listed" },
		],
		examples: ["davit browse nas/grafana-data@latest", "davit browse 7f3a plugins --json"],
		documents: ["davit/content/1"],
	},
	{
		name: "diff",
		words: "<archive> [archive|live]",
		summary: "Say what differs between an archive and the present data, or another archive.",
		options: [
			{
				flags: "--from <number>",
				summary: "begin at this difference, counted from 0; at most 200 are listed",
			},
		],
		examples: ["davit diff nas/grafana-data@latest", "davit diff 7f3a 5b02"],
		documents: ["davit/differences/1"],
	},
	{
		name: "get",
		words: "<archive> <path>",
		summary: "Take one file or folder out of an archive, on the archive's host.",
		options: [
			{
				flags: "-o, --output <file>",
				summary:
					"put it there; - writes a file to standard output; without it, it stays with Davit for a day",
			},
		],
		examples: [
			"davit get 7f3a grafana.db -o /tmp/grafana.db",
			"davit get nas/grafana-data@latest grafana.ini -o -",
		],
		documents: ["davit/gotten/1"],
	},
	{
		name: "watch",
		words: "[run]",
		summary: "Follow a run, or all that are running, to their end.",
		options: watching.slice(1),
		examples: ["davit watch", "davit watch rabcdefgh --timeout 10m"],
		runs: true,
		documents: ["davit/run/1", "davit/result/1"],
	},
	{
		name: "log",
		words: "<run>",
		summary: "Print the steps of a run.",
		examples: ["davit log rabcdefgh"],
		documents: ["davit/run/1"],
	},
];
