import { Command, Report, Sync } from "@davit/protocol";

/** A message in a few words, for a person who reads the story. */
export function retell(topic: string, payload: string): string {
	const last = topic.slice(topic.lastIndexOf("/") + 1);
	if (!payload.startsWith("{") || !payload.endsWith("}")) return `${last}, ${payload.length} characters`;
	const said: unknown = JSON.parse(payload);
	const report = Report.safeParse(said).data;
	if (report !== undefined) {
		const why = report.failure === undefined ? "" : ` (${report.failure.code})`;
		return `report ${report.agentEpoch}.${report.sequence}: ${report.command} ${report.state}${why}`;
	}
	const sync = Sync.safeParse(said).data;
	if (sync !== undefined) {
		const open = sync.open.map(({ command, state }) => `${command} ${state}`).join(", ");
		return `sync of ${sync.session} with open: ${open === "" ? "nothing" : open}`;
	}
	if (typeof said !== "object" || said === null || !("payload" in said)) return last;
	const text = Buffer.from(String(said.payload), "base64url").toString();
	const command = Command.safeParse(text.startsWith("{") ? JSON.parse(text) : undefined).data;
	if (command === undefined) return last;
	const of = "command" in command ? ` of ${command.command}` : "";
	return `${command.kind}${of} ${command.kind === "run" ? command.id : ""}`.trimEnd();
}
