import { policyOptions } from "./policy.ts";
import { type CommandSpec, type OptionSpec, watching } from "./spec.ts";

const planning: readonly OptionSpec[] = [
	{ flags: "--plan", summary: "make and print the plan, change nothing (exit 0 ready, 4 blocked)" },
	{ flags: "--confirm <name>", summary: "the resource's name, for scripts; without it a terminal is asked" },
];
export const act: readonly CommandSpec[] = [
	{
		name: "backup",
		words: "<address...>",
		summary: "Back up resources now; of a host everything on it, as one run with parts.",
		options: [
			...watching,
			{
				flags: "--consistency <way>",
				summary: "what makes the copy one moment's: snapshot, stopped, paused or live",
			},
			{
				flags: "--images",
				summary: "of stacks: put all images into the archive, not only those no registry has",
			},
			{
				flags: "--force-database-files",
				summary: "copy files of a database that goes on writing too; the outcome is partial",
			},
			{
				flags: "--hooks <names>",
				summary: "which of the agent's configured hooks run, with commas, or none; default is all",
			},
			{ flags: "--to <repository>", summary: "write into a restic repository of the host's configuration" },
			{
				flags: "--plan",
				summary: "of one volume or folder: say what would be held up, copied and needed, change nothing",
			},
		],
		examples: [
			"davit backup nas/grafana-data",
			"davit backup nas/grafana-data --plan",
			"davit backup nas/stack:media --images",
			"davit backup nas",
		],
		runs: true,
		documents: ["davit/run/1", "davit/result/1", "davit/preview/1"],
	},
	{
		name: "verify",
		words: "<archive...>",
		summary: "Read every byte of archives and compare it with their manifests.",
		options: [
			...watching,
			{
				flags: "--sample <share>",
				summary: "read this share of the content only: finds damage, proves nothing",
			},
		],
		examples: ["davit verify nas/grafana-data@latest", "davit verify 7f3a --sample 10%"],
		runs: true,
		documents: ["davit/run/1", "davit/result/1"],
	},
	{
		name: "drill",
		words: "<address...>",
		summary:
			"Prove archives by restoring them where nothing is; the newest verified ones unless one is named.",
		options: watching,
		examples: ["davit drill nas/grafana-data", "davit drill nas/grafana-data@latest nas/path:/srv/photos"],
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
		name: "copy",
		words: "<address>",
		summary: "Make a new volume of what a volume holds now; its writers wait as for a backup.",
		options: [{ flags: "--as <name>", summary: "what the new volume is called" }, ...watching],
		examples: ["davit copy nas/grafana-data --as grafana-try"],
		runs: true,
		documents: ["davit/run/1", "davit/result/1"],
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

const consistency: OptionSpec = {
	flags: "--consistency <way>",
	summary: "what makes the copy one moment's: snapshot, stopped, paused or live",
};
const keepSummaries = {
	pin: "Keep an archive whatever the policy says.",
	unpin: "Let the policy decide about a pinned archive again.",
	undelete: "Keep an archive that is marked for removal: it is pinned.",
} as const;

export const keep: readonly CommandSpec[] = [
	{
		name: "schedule add",
		words: "<name> <target>",
		summary: "Back up an address, or everything on a host, or tend a repository, at set times.",
		options: [
			{ flags: "--cron <fields>", summary: "five cron fields, as in '0 3 * * *'" },
			{ flags: "--time-zone <zone>", summary: "of the times; default is this machine's" },
			{ flags: "--jitter <duration>", summary: "up to so long after each time, at random" },
			{ flags: "--to <repository>", summary: "back up into a restic repository of the host's configuration" },
			{ flags: "--check", summary: "check the repository nas/disk, the next part of its content each time" },
			{ flags: "--prune", summary: "give back the space of what was forgotten in the repository nas/disk" },
			...policyOptions,
			{ flags: "--confirm <name>", summary: "the schedule's name, where archives would go that stay now" },
			{
				flags: "--consistency <way>",
				summary: "what makes the copy one moment's: snapshot, stopped, paused or live",
			},
		],
		examples: [
			"davit schedule add nightly 'nas/*' --cron '0 3 * * *' --keep-last 14",
			"davit schedule add away 'nas/*' --cron '0 4 * * *' --to cloud --keep-daily 14",
			"davit schedule add check-cloud nas/cloud --check --cron '30 5 * * *'",
		],
		documents: ["davit/schedule/1"],
	},
	{
		name: "schedule edit",
		words: "<name>",
		summary: "Change a schedule's times or what it keeps; what is not given stays.",
		options: [
			{ flags: "--cron <fields>", summary: "five cron fields, as in '0 3 * * *'" },
			{ flags: "--time-zone <zone>", summary: "of the times" },
			{ flags: "--jitter <duration>", summary: "up to so long after each time, at random" },
			...policyOptions,
			{ flags: "--confirm <name>", summary: "the schedule's name, where archives would go that stay now" },
			consistency,
		],
		examples: ["davit schedule edit nightly --keep-daily 14 --keep-weekly 8"],
		documents: ["davit/schedule/1"],
	},
	{
		name: "schedule pause",
		words: "<name>",
		summary: "Begin nothing by a schedule until it is resumed; what it keeps stays kept.",
		examples: ["davit schedule pause nightly"],
		documents: ["davit/schedule/1"],
	},
	{
		name: "schedule resume",
		words: "<name>",
		summary: "Let a paused schedule go on with its next time; nothing is caught up.",
		examples: ["davit schedule resume nightly"],
		documents: ["davit/schedule/1"],
	},
	{
		name: "schedule simulate",
		words: "<schedule|address>",
		summary: "Show what a policy keeps and removes, today and in days to come; change nothing.",
		options: [{ flags: "--days <number>", summary: "how far to look; default 90" }, ...policyOptions],
		examples: ["davit schedule simulate nightly", "davit schedule simulate nas/grafana-data --keep-daily 14"],
		documents: ["davit/simulation/1"],
	},
	{
		name: "schedule remove",
		words: "<name>",
		summary: "End a schedule; its archives stay.",
		examples: ["davit schedule remove nightly"],
		documents: ["davit/schedules/1"],
	},
	...(["pin", "unpin", "undelete"] as const).map((name) => ({
		name,
		words: "<archive...>",
		summary: keepSummaries[name],
		options: watching,
		examples: [`davit ${name} 7f3a`],
		runs: true,
		documents: ["davit/run/1", "davit/result/1"],
	})),
	{
		name: "hold",
		words: "<address...>",
		summary: "Remove nothing of a resource until it is released.",
		options: [{ flags: "--because <text>", summary: "why, for whoever finds it later" }, ...watching],
		examples: ["davit hold nas/grafana-data --because 'the disk makes noises'"],
		runs: true,
		documents: ["davit/run/1", "davit/result/1"],
	},
	{
		name: "release",
		words: "<address...>",
		summary: "End a hold, also one that Davit set after a suspicious backup that you have looked at.",
		options: watching,
		examples: ["davit release nas/grafana-data"],
		runs: true,
		documents: ["davit/run/1", "davit/result/1"],
	},
];
