import type { Filter } from "../desk.ts";
import { Refusal } from "./refusal.ts";

/** What a list's address asks for: `?page=2&host=nas&state=failed`. @throws Refusal 400 */
export function readFilter(query: URLSearchParams): Filter {
	const filter: { page?: number; host?: string; resource?: string; state?: string } = {};
	const page = query.get("page");
	if (page !== null) {
		if (!/^[1-9][0-9]{0,6}$/.test(page)) {
			throw new Refusal(400, "a page is a number from 1 on, this one is not", { hint: "leave page out" });
		}
		filter.page = Number(page);
	}
	for (const key of ["host", "resource", "state"] as const) {
		const value = query.get(key)?.trim() ?? "";
		if (value.length > 4200) throw new Refusal(400, `the filter ${key} is longer than any name`);
		if (value !== "") filter[key] = value;
	}
	return filter;
}
