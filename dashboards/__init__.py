"""What Grafana and Prometheus load: dashboards with their generator, alert rules with their tests, provisioning."""
