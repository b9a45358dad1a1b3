// Loaded into each child before its own code: a child whose `davit start` was killed ends in order instead of living on alone.
const parent = process.ppid;

process.on("disconnect", () => {
	// At its own end a child closes the channel too; only a vanished parent leaves it with another one. The kernel closes a dying
	// process's files before it gives its children to somebody else, so this is looked at again.
	setInterval(() => {
		if (process.ppid !== parent) process.kill(process.pid, "SIGTERM");
	}, 100).unref();
});
process.channel?.unref();
