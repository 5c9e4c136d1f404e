/** A time of an agreement for people, in UTC: its day alone where it is midnight. */
export function timeText(utcTime: string): string {
  const [day, time] = [utcTime.slice(0, 10), utcTime.slice(11, 16)];
  return utcTime.endsWith("T00:00:00.000Z") ? day : `${day} ${time} UTC`;
}
