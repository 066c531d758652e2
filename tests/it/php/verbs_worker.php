<?php
// A worker with one function for each way that a job can go: verbs_worker.php HOST PORT
[, $host, $port] = $argv;

$worker = new GearmanWorker();
$worker->addServer($host, (int) $port);

$worker->addFunction('reverse', fn (GearmanJob $job) => strrev($job->workload()));
$worker->addFunction('talks', function (GearmanJob $job) {
    $job->sendData('one ');
    $job->sendStatus(1, 2);
    $job->sendWarning('careful');
    $job->sendData('two ');
    $job->sendStatus(2, 2);
    return 'three';
});
$worker->addFunction('throws', fn (GearmanJob $job) => $job->sendException('boom'));
$worker->addFunction('fails', fn (GearmanJob $job) => $job->sendFail());

while ($worker->work());
