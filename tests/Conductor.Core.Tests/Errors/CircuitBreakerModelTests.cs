using Conductor.Errors;
using CsCheck;
using Microsoft.Extensions.Time.Testing;

namespace Conductor.Tests.Errors;

/// <summary>A breaker beside one that is written as plainly as can be.</summary>
public sealed class CircuitBreakerModelTests
{
    [Fact]
    public void Breaker_AnySequenceOfCalls_DoesWhatTheModelDoes() =>
        Gen.OneOf(Gen.Const('s'), Gen.Const('f'), Gen.Const('t'), Gen.Const('a'), Gen.Const('d'), Gen.Const('r')).Array[1, 60].Sample(script =>
        {
            var time = new FakeTimeProvider();
            var breaker = new CircuitBreaker("a", 3, TimeSpan.FromSeconds(60), 2, 1, time);
            var model = new BreakerModel(3, 60, 2, 1);
            var permits = new Queue<CircuitPermit>();
            foreach (var step in script)
            {
                switch (step)
                {
                    case 's':
                        breaker.RecordSuccess();
                        model.Success();
                        break;
                    case 'f':
                        breaker.RecordFailure();
                        model.Failure();
                        break;
                    case 't':
                        time.Advance(TimeSpan.FromSeconds(31));
                        model.Now += 31;
                        break;
                    case 'a':
                        var permit = breaker.TryAcquire();
                        if ((permit is not null) != model.Acquire())
                        {
                            return false;
                        }

                        if (permit is { IsTrial: true })
                        {
                            permits.Enqueue(permit);
                            model.Hold();
                        }

                        break;
                    case 'd' when permits.TryDequeue(out var held):
                        held.Dispose();
                        model.GiveBack();
                        break;
                    case 'r':
                        breaker.Reset();
                        model.Reset();
                        break;
                }

                if (breaker.State != model.Look())
                {
                    return false;
                }
            }

            return true;
        });

    /// <summary>The textbook breaker, written as plainly as can be.</summary>
    private sealed class BreakerModel(int threshold, int recovery, int successThreshold, int trials)
    {
        private readonly Queue<int> _held = new();
        private CircuitBreakerState _state;
        private int _failures;
        private int _successes;
        private int _failedAt;
        private int _under;
        private int _generation;

        public int Now { get; set; }

        public CircuitBreakerState Look() =>
            _state == CircuitBreakerState.Open && Now - _failedAt >= recovery ? CircuitBreakerState.HalfOpen : _state;

        public void Success()
        {
            _failures = 0;
            if (_state == CircuitBreakerState.Open && Look() == CircuitBreakerState.HalfOpen)
            {
                HalfOpen();
            }

            if (_state == CircuitBreakerState.HalfOpen && ++_successes >= successThreshold)
            {
                Reset();
            }
        }

        public void Failure()
        {
            _failedAt = Now;
            _successes = 0;
            if (_state != CircuitBreakerState.Closed || ++_failures >= threshold)
            {
                _state = CircuitBreakerState.Open;
            }
        }

        public bool Acquire()
        {
            if (Look() == CircuitBreakerState.Open)
            {
                return false;
            }

            if (_state == CircuitBreakerState.Open)
            {
                HalfOpen();
            }

            return _state == CircuitBreakerState.Closed || _under < trials;
        }

        public void Hold()
        {
            _under++;
            _held.Enqueue(_generation);
        }

        public void GiveBack()
        {
            if (_held.Dequeue() == _generation && _under > 0)
            {
                _under--;
            }
        }

        public void Reset()
        {
            _state = CircuitBreakerState.Closed;
            _failures = _successes = _under = 0;
        }

        private void HalfOpen()
        {
            _state = CircuitBreakerState.HalfOpen;
            _successes = _under = 0;
            _generation++;
        }
    }
}
