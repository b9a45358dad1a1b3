/** Whether a topic is matched by a filter, with `+` for one level and `#` for the rest (MQTT 5, 4.7). */
export function matchesFilter(filter: string, topic: string): boolean {
	// 4.7.2: a leading wildcard does not match the broker's own topics.
	if (topic.startsWith("$") && (filter.startsWith("#") || filter.startsWith("+"))) return false;
	const wanted = filter.split("/");
	const levels = topic.split("/");
	for (const [at, level] of wanted.entries()) {
		if (level === "#") return true;
		if (at >= levels.length || (level !== "+" && level !== levels[at])) return false;
	}
	return wanted.length === levels.length;
}
