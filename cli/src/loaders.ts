import type { Command } from "./context.ts";

/** The code of each command, loaded only when it runs: what `status` does not need must not slow it. */
export const loaders: Readonly<Record<string, () => Promise<Command>>> = {
	status: async () => (await import("./commands/status.ts")).showStatus,
	list: async () => (await import("./commands/list.ts")).list,
	show: async () => (await import("./commands/show.ts")).show,
	browse: async () => (await import("./commands/browse.ts")).browse,
	diff: async () => (await import("./commands/diff.ts")).diff,
	watch: async () => (await import("./commands/watch.ts")).watch,
	log: async () => (await import("./commands/log.ts")).log,
	backup: async () => (await import("./commands/backup.ts")).backup,
	verify: async () => (await import("./commands/verify.ts")).verify,
	restore: async () => (await import("./commands/restore.ts")).restore,
	undo: async () => (await import("./commands/restore.ts")).undo,
	apply: async () => (await import("./commands/apply.ts")).apply,
	cancel: async () => (await import("./commands/cancel.ts")).cancel,
	"schedule add": async () => (await import("./commands/schedule.ts")).addSchedule,
	"schedule remove": async () => (await import("./commands/schedule.ts")).removeSchedule,
	start: async () => (await import("./commands/start.ts")).start,
	page: async () => (await import("./commands/page.ts")).page,
	"host join": async () => (await import("./commands/host-join.ts")).joinHost,
	account: async () => (await import("./commands/account.ts")).account,
	"broker-config": async () => (await import("./commands/broker-config.ts")).brokerConfig,
	doctor: async () => (await import("./commands/doctor.ts")).doctor,
	completion: async () => (await import("./commands/completion.ts")).completion,
	help: async () => (await import("./commands/help.ts")).help,
};
