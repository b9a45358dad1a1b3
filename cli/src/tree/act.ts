import { type CommandSpec, type OptionSpec, watching } from "./spec.ts";

const planning: readonly OptionSpec[] = [
	{ flags: "--plan", summary: "make and print the plan, change nothing (exit 0 ready, 4 blocked)" },
	{ flags: "--confirm <name>", summary: "the resource's name, for scripts; without it a terminal is asked" },
];
export const act: readonly CommandSpec[] = [
	{
		name: "backup",
		words: "<address...>",
		summary: "Back up resources now.",
		options: [
			...watching,
			{
				flags: "--consistency <way>",
				summary: "what makes the copy one moment's: snapshot, stopped, paused or live",
			},
		],
		examples: ["davit backup nas/grafana-data", "davit backup nas/path:/srv/photos --consistency live"],
		runs: true,
		documents: ["davit/run/1", "davit/result/1"],
	},
	{
		name: "verify",
		words: "<archive...>",
		summary: "Read every byte of archives and compare it with their manifests.",
		options: watching,
		examples: ["davit verify nas/grafana-data@latest", "davit verify 7f3a"],
		runs: true,
		documents: ["davit/run/1", "davit/result/1"],
	},
	{
		name: "restore",
		words: "<archive>",
		summary: "Replace a resource exactly by an archive; what was there is kept for an undo.",
		options: [
			{
				flags: "--path <path...>",
				summary: "only these files and folders of the archive; the rest stays as it is",
			},
			{ flags: "--merge", summary: "the archive's entries over what is there; nothing is removed" },
			{ flags: "--as <name>", summary: "into a new volume or folder; what is there is not touched" },
			...planning,
			...watching,
		],
		examples: [
			"davit restore nas/grafana-data@latest",
			"davit restore 7f3a --confirm grafana-data",
			"davit restore 7f3a --path plugins/panel --path grafana.db --plan",
			"davit restore 7f3a --as grafana-data-7f3a",
		],
		runs: true,
		documents: ["davit/plan/1", "davit/run/1", "davit/result/1"],
	},
	{
		name: "undo",
		words: "<run|address>",
		summary: "Put back what a resource's newest restore replaced.",
		options: [...planning, ...watching],
		examples: ["davit undo rabcdefgh", "davit undo nas/grafana-data --plan"],
		runs: true,
		documents: ["davit/plan/1", "davit/run/1", "davit/result/1"],
	},
	{
		name: "apply",
		words: "<plan>",
		summary: "Carry out exactly the plan that was shown, or refuse because the facts moved.",
		options: [...planning.slice(1), ...watching],
		examples: ["davit apply pabcdefgh --confirm grafana-data"],
		runs: true,
		documents: ["davit/run/1", "davit/result/1"],
	},
	{
		name: "cancel",
		words: "<run>",
		summary: "Ask a run to stop and undo what it began.",
		examples: ["davit cancel rabcdefgh"],
		documents: ["davit/run/1"],
	},
];

export const keep: readonly CommandSpec[] = [
	{
		name: "schedule add",
		words: "<name> <target>",
		summary: "Back up an address, or everything on a host, at set times.",
		options: [
			{ flags: "--cron <fields>", summary: "five cron fields, as in '0 3 * * *'" },
			{ flags: "--time-zone <zone>", summary: "of the times; default is this machine's" },
			{ flags: "--jitter <duration>", summary: "up to so long after each time, at random" },
			{ flags: "--keep-last <number>", summary: "so many of each resource's newest archives stay" },
			{
				flags: "--consistency <way>",
				summary: "what makes the copy one moment's: snapshot, stopped, paused or live",
			},
		],
		examples: ["davit schedule add nightly 'nas/*' --cron '0 3 * * *' --keep-last 14"],
		documents: ["davit/schedule/1"],
	},
	{
		name: "schedule remove",
		words: "<name>",
		summary: "End a schedule; its archives stay.",
		examples: ["davit schedule remove nightly"],
		documents: ["davit/schedules/1"],
	},
];
