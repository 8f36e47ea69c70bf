-- At PostgreSQL's first start only.
create database prefect;
create database mlflow;
create database mlflow_auth;
