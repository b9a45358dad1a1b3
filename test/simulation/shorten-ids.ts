/** Commands and requests as #1, #2 … in the order of their appearance; `names` remembers which is which. */
export function shortenIds(line: string, names: Map<string, string>): string {
	return line.replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, (id) => {
		const name = names.get(id) ?? `#${names.size + 1}`;
		names.set(id, name);
		return name;
	});
}
