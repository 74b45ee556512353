"""All dashboards there are."""

from grafana.boards.backups import BACKUPS
from grafana.boards.chain import CHAIN
from grafana.boards.check import CHECK
from grafana.boards.itself import ITSELF
from grafana.boards.mail import MAIL
from grafana.boards.names import NAMES
from grafana.boards.overview import OVERVIEW

BOARDS = (OVERVIEW, CHAIN, MAIL, NAMES, BACKUPS, CHECK, ITSELF)
