/** The nanoseconds that `work` takes. */
export function timed(work) {
  const start = process.hrtime.bigint()
  work()
  return Number(process.hrtime.bigint() - start)
}
