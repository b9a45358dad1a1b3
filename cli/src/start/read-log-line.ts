import { isRecord } from "../door/answers.ts";
import { plain } from "../output/table.ts";

const warningLevel = 40;

/** What a child's log line warns of, for a person; undefined when it is no warning. Lines are pino's JSON or plain words. */
export function warningOf(line: string): string | undefined {
	if (!line.startsWith("{")) return line.startsWith("error:") ? undefined : plain(line) || undefined;
	let entry: unknown;
	try {
		entry = JSON.parse(line);
	} catch {
		return plain(line);
	}
	if (!isRecord(entry) || typeof entry["level"] !== "number" || entry["level"] < warningLevel)
		return undefined;
	const { level: _level, time: _time, pid: _pid, hostname: _host, name: _name, msg, err, ...facts } = entry;
	const reason = isRecord(err) && typeof err["message"] === "string" ? `: ${err["message"]}` : "";
	const shown = Object.entries(facts).map(
		([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
	);
	return plain(
		`${String(msg ?? "warning")}${reason}${shown.length === 0 ? "" : ` (${shown.join(" ")})`}`,
	).slice(0, 500);
}
