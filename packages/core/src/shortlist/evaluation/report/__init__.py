"""A comparison as one HTML page."""

from shortlist.evaluation.report.page import html_report as html_report
from shortlist.evaluation.report.page import write_report as write_report
