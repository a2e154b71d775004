/** A line over time by uPlot, in the colours of the page. */
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

const HEIGHT = 140;
const SPAN_SECONDS = 120;

/** @param props.xs seconds since 1970 @param props.ys as many figures */
export function Chart(props: {
  readonly label: string;
  readonly xs: readonly number[];
  readonly ys: readonly number[];
}): JSX.Element {
  const { label, xs, ys } = props;
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const made = new uPlot(optionsOf(element), [[], []], element);
    plot.current = made;
    const watch = new ResizeObserver(() =>
      made.setSize({ width: element.clientWidth, height: HEIGHT }),
    );
    watch.observe(element);
    return () => {
      watch.disconnect();
      made.destroy();
    };
  }, []);
  useEffect(() => plot.current?.setData(dataOf(xs, ys)), [xs, ys]);
  return <div class="chart" role="img" aria-label={label} ref={place} />;
}

const CLOCK = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });

function clockTimes(_plot: uPlot, seconds: readonly number[]): string[] {
  return seconds.map((each) => CLOCK.format(each * 1000));
}

// Two minutes at least, so that the first points are no wall.
function dataOf(xs: readonly number[], ys: readonly number[]): uPlot.AlignedData {
  const [first] = xs;
  if (first === undefined) return [[], []];
  return [
    [first - SPAN_SECONDS, ...xs],
    [null, ...ys],
  ];
}

function optionsOf(element: HTMLElement): uPlot.Options {
  const colour = (name: string) => (): string => getComputedStyle(element).getPropertyValue(name);
  const axis: uPlot.Axis = {
    stroke: colour('--chart-text'),
    font: '11px system-ui',
    grid: { stroke: colour('--chart-grid'), width: 1 },
    ticks: { show: false },
  };
  return {
    width: Math.max(100, element.clientWidth),
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false },
    scales: {
      // Two minutes at least, so that the first points are no wall.
      x: {
        range: (_plot, low, high) => [Math.min(low ?? 0, (high ?? 0) - SPAN_SECONDS), high ?? 0],
      },
      y: { range: (_plot, _low, high) => [0, (high ?? 0) > 0 ? high * 1.15 : 1] },
    },
    axes: [
      { ...axis, size: 28, values: clockTimes },
      { ...axis, size: 52 },
    ],
    series: [
      {},
      {
        stroke: colour('--chart-line'),
        fill: colour('--chart-fill'),
        width: 2,
        points: { show: false },
      },
    ],
  };
}
