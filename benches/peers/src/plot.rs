//! The plots of the report, as SVG.

use anyhow::{Result, anyhow};
use plotters::prelude::*;
use std::path::Path;

const OURS: RGBColor = RGBColor(14, 116, 144);
const THEIRS: RGBColor = RGBColor(194, 65, 12);
const GRID: RGBColor = RGBColor(226, 232, 240);
const TEXT: RGBColor = RGBColor(51, 65, 85);

/// How many times as fast each line is: bars on a logarithmic scale, with a tick where it should be.
pub fn ratios(file: &Path, title: &str, bars: &[(String, f64, Option<f64>)]) -> Result<()> {
    let height = 70 + 26 * u32::try_from(bars.len())?;
    let area = SVGBackend::new(file, (900, height)).into_drawing_area();
    area.fill(&WHITE).map_err(error)?;
    let most =
        bars.iter().map(|(_, ratio, target)| ratio.max(target.unwrap_or(1.0))).fold(10.0, f64::max);
    let count = i32::try_from(bars.len())?;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 18).into_font().color(&TEXT))
        .margin_right(70)
        .margin_top(6)
        .x_label_area_size(26)
        .y_label_area_size(330)
        .build_cartesian_2d((0.5..most * 1.6).log_scale(), 0..count)
        .map_err(error)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .light_line_style(WHITE)
        .bold_line_style(GRID)
        .x_label_formatter(&|ratio| format!("{ratio}×"))
        .label_style(("sans-serif", 13).into_font().color(&TEXT))
        .draw()
        .map_err(error)?;
    let plane = chart.plotting_area();
    for (row, (name, ratio, target)) in (0..count).rev().zip(bars) {
        let reached = target.is_none_or(|target| *ratio >= target);
        let color = if reached { OURS } else { THEIRS };
        let (left, top) = plane.map_coordinate(&(1.0, row + 1));
        let (right, bottom) = plane.map_coordinate(&(*ratio, row));
        let middle = (top + bottom) / 2;
        area.draw(&Rectangle::new([(left, top + 4), (right, bottom - 4)], color.filled()))
            .map_err(error)?;
        if let Some(target) = target {
            let (at, _) = plane.map_coordinate(&(*target, row));
            let tick = PathElement::new([(at, top + 1), (at, bottom - 1)], TEXT.stroke_width(2));
            area.draw(&tick).map_err(error)?;
        }
        let font = ("sans-serif", 13).into_font().color(&TEXT);
        area.draw(&Text::new(
            format!("{ratio:.1}×"),
            (right.max(left) + 6, middle - 7),
            font.clone(),
        ))
        .map_err(error)?;
        area.draw(&Text::new(name.clone(), (10, middle - 7), font)).map_err(error)?;
    }
    area.present().map_err(error)
}

/// The time of each tenth of a pen stroke, in microseconds a push.
pub fn deciles(file: &Path, title: &str, ours: &[f64], theirs: &[f64]) -> Result<()> {
    let area = SVGBackend::new(file, (900, 340)).into_drawing_area();
    area.fill(&WHITE).map_err(error)?;
    let all = || ours.iter().chain(theirs).copied();
    let (least, most) = (all().fold(f64::MAX, f64::min), all().fold(0.0, f64::max));
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 18).into_font().color(&TEXT))
        .margin(10)
        .x_label_area_size(40)
        .y_label_area_size(80)
        .build_cartesian_2d(1..10, (least / 2.0..most * 2.0).log_scale())
        .map_err(error)?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .bold_line_style(GRID)
        .x_desc("tenth of the stroke")
        .y_desc("µs a push")
        .label_style(("sans-serif", 13).into_font().color(&TEXT))
        .draw()
        .map_err(error)?;
    for (name, color, values) in [("roomsync", OURS, ours), ("@tldraw/sync-core", THEIRS, theirs)] {
        let points: Vec<_> = (1..).zip(values.iter().copied()).collect();
        chart
            .draw_series(LineSeries::new(points, color.stroke_width(3)).point_size(4))
            .map_err(error)?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(3)));
    }
    chart
        .configure_series_labels()
        .label_font(("sans-serif", 13).into_font().color(&TEXT))
        .border_style(GRID)
        .background_style(WHITE)
        .draw()
        .map_err(error)?;
    area.present().map_err(error)
}

fn error(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("the plot cannot be drawn: {error}")
}
