using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Conductor;

/// <summary>
/// What a task takes in and gives out: the user's own typed data. It is the same reference while it stays in the process and JSON once
/// it went through a store or a wire. Treat what you hand over, and what you get, as immutable. Data that was made as the same
/// <c>T</c> is equal when its values say that they are (<see cref="object.Equals(object)"/>, not <c>==</c>); JSON is equal to nothing but itself.
/// </summary>
/// <remarks>Immutable and thread-safe, as far as the value in it is.</remarks>
[JsonConverter(typeof(TaskDataJsonConverter))]
public abstract class TaskData
{
    private protected TaskData()
    {
    }

    /// <summary>No data.</summary>
    public static TaskData Empty { get; } = new EmptyTaskData();

    /// <summary>True when there is no data.</summary>
    public virtual bool IsEmpty => false;

    /// <summary>What the data is, for messages to people: a type name, or "JSON".</summary>
    internal abstract string Kind { get; }

    /// <summary>Wraps a value.</summary>
    /// <typeparam name="T">The value's type: what <see cref="Get{T}"/> is asked for later, and what is written to a store or a wire.</typeparam>
    /// <param name="value">The value; <see langword="null"/> gives <see cref="Empty"/>.</param>
    public static TaskData From<T>(T value) => value switch
    {
        null => Empty,
        TaskData data => data,
        JsonElement element => FromJson(element),
        _ => new TypedTaskData<T>(value),
    };

    /// <summary>
    /// Wraps JSON that was already parsed. Types are read from it as from JSON of the web (<see cref="JsonSerializerDefaults.Web"/>: names in camelCase, of
    /// whatever case; numbers may be texts), also after it was in a store.
    /// </summary>
    /// <param name="json">The JSON; it is copied, so its document may be disposed.</param>
    public static TaskData FromJson(JsonElement json) =>
        json.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null ? Empty : new JsonTaskData(json.Clone(), FallbackJson.Options, isForeign: true);

    /// <summary>Wraps a text, so that <c>DispatchAsync&lt;string&gt;(type, "Ada")</c> reads as it should.</summary>
    /// <param name="text">The text.</param>
    public static implicit operator TaskData(string? text) => FromString(text);

    /// <summary>Wraps a text.</summary>
    /// <param name="text">The text; <see langword="null"/> gives <see cref="Empty"/>.</param>
    public static TaskData FromString(string? text) => From(text);

    /// <summary>The value as a <typeparamref name="T"/>.</summary>
    /// <typeparam name="T">
    /// The type that went in, one it can be cast to, or one its JSON can be read as. (As an <see cref="object"/>, what is JSON by now is a
    /// <see cref="JsonElement"/>: what type went in is not written down.)
    /// </typeparam>
    /// <exception cref="TaskValidationException">
    /// It is something else, or what <typeparamref name="T"/> refuses (its constructor, a setter or a converter threw); the message names both types, and why.
    /// </exception>
    public T Get<T>() => this is TypedTaskData<T> { Value: var same } ? same : TryGet<T>(out var value, out var cause)
        ? value!
        : throw new TaskValidationException(
            IsEmpty
                ? $"The data is empty, and a {typeof(T).Name} was asked for. Where nothing (or null) may be handed over, look at IsEmpty first, or use TryGet."
                : $"The data is {Kind}, not {typeof(T)}. Ask for the type that was handed over, or hand over a " +
                    $"{typeof(T).Name}.{(cause is null ? null : $" ({ExceptionText.Of(cause)})")}",
            cause);

    /// <summary>
    /// The value of an input: no input is null for a number that may be null, and an error for a class: whether that may be null is not known when
    /// the program runs, and an agent that does not expect it would fail in some place of its own.
    /// </summary>
    /// <param name="task">The task that it is the input of, for the message of an exception.</param>
    internal T GetInput<T>(TaskDefinition task)
    {
        if (this is TypedTaskData<T> { Value: var same })
        {
            return same;
        }

        if (!IsEmpty || this is T)
        {
            return Get<T>();
        }

        return typeof(T).IsValueType && default(T) is null ? default! : throw new TaskValidationException(
            $"Task '{task.Id}' has no input, and its agent takes a {typeof(T).Name}. Give the task an input, or let the agent run without one: derive it " +
                "from BaseAgent without type arguments, or let its delegate take no input.");
    }

    /// <summary>The value as a <typeparamref name="T"/>; of no data null, where that is one: what was null when it was handed over is no data.</summary>
    internal T GetOrNull<T>() => this is TypedTaskData<T> { Value: var same } ? same : IsEmpty && default(T) is null && this is not T ? default! : Get<T>();

    /// <summary>The value as a <typeparamref name="T"/>, if it is one.</summary>
    /// <typeparam name="T">The type asked for.</typeparam>
    /// <param name="value">The value, or <c>default</c>.</param>
    /// <returns>Whether it is one; false, too, where <typeparamref name="T"/> itself refuses it: its constructor, a setter or a converter threw.</returns>
    public abstract bool TryGet<T>(out T? value);

    /// <summary>The same, with what the serializer said where it is not.</summary>
    private protected virtual bool TryGet<T>(out T? value, out Exception? cause)
    {
        cause = null;
        return TryGet(out value);
    }

    /// <summary>What the data is: the type that was handed over, "JSON (…)" or "empty". Not what it says, which may be confidential.</summary>
    public sealed override string ToString() => Kind;

    /// <summary>The data as text, for telemetry that was allowed to record it.</summary>
    internal virtual string? ToDisplayText() => null;

    /// <summary>What has to stay alive for the data to be kept: of a small value its type and its bits, of any other the data itself.</summary>
    /// <param name="bits">The value's bits, or 0.</param>
    /// <returns>What <see cref="FromKept"/> takes, with the bits.</returns>
    internal virtual object ToKept(out long bits)
    {
        bits = 0;
        return this;
    }

    /// <summary>The data that was kept.</summary>
    internal static TaskData FromKept(object kept, long bits) => kept is SmallValueType type ? type.ToData(bits) : (TaskData)kept;

    /// <summary>Writes the data as JSON.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="options">Options that know the value's type.</param>
    internal abstract void Write(Utf8JsonWriter writer, JsonSerializerOptions options);

    private sealed class EmptyTaskData : TaskData
    {
        public override bool IsEmpty => true;

        internal override string Kind => "empty";

        public override bool TryGet<T>(out T? value)
            where T : default
        {
            if (this is T itself)
            {
                value = itself;
                return true;
            }

            // Nothing is a value of every nullable value type.
            value = default;
            return Nullable.GetUnderlyingType(typeof(T)) is not null;
        }

        internal override void Write(Utf8JsonWriter writer, JsonSerializerOptions options) => writer.WriteNullValue();
    }

    private sealed class TypedTaskData<TValue>(TValue value) : TaskData
    {
        public TValue Value => value;

        internal override string Kind => typeof(TValue).ToString();

        internal override object ToKept(out long bits)
        {
            if (SmallValueType<TValue>.Instance is not { } type)
            {
                return base.ToKept(out bits);
            }

            bits = SmallValueType<TValue>.ToBits(value);
            return type;
        }

        // By value: a result that was kept, and made anew, is equal to the one that was given.
        public override bool Equals(object? obj) => obj is TypedTaskData<TValue> { Value: var other } && EqualityComparer<TValue>.Default.Equals(value, other);

        public override int GetHashCode() => EqualityComparer<TValue>.Default.GetHashCode(value!);

        internal override string? ToDisplayText()
        {
            try
            {
                return value!.ToString();
            }
#pragma warning disable CA1031 // A value that cannot be written down must not fail the task that is traced; the text says it.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                return $"({typeof(TValue)}.ToString() threw {exception.GetType().Name}: {ExceptionText.Of(exception)})";
            }
        }

        public override bool TryGet<T>(out T? result)
            where T : default
        {
            if (value is T match)
            {
                result = match;
                return true;
            }

            if (this is T itself)
            {
                result = itself;
                return true;
            }

            result = default;
            return false;
        }

        internal override void Write(Utf8JsonWriter writer, JsonSerializerOptions options) =>
            JsonSerializer.Serialize(writer, value, (JsonTypeInfo<TValue>)options.GetTypeInfo(typeof(TValue)));
    }

    /// <summary>Data that came from a store or a wire, with the options that read it, or JSON that was handed over.</summary>
    /// <param name="json">The JSON.</param>
    /// <param name="options">What reads types from it.</param>
    /// <param name="isForeign">
    /// Whether it was handed over as JSON: its names are not those that the library gives, and what reads it after a store must know that.
    /// </param>
    internal sealed class JsonTaskData(JsonElement json, JsonSerializerOptions options, bool isForeign = false) : TaskData
    {
        /// <summary>The one member of an object around foreign JSON, where it is written.</summary>
        private const string ForeignJson = "$conductor.json";

        /// <summary>What was written.</summary>
        public static JsonTaskData Read(JsonElement written, JsonSerializerOptions options) =>
            written.ValueKind == JsonValueKind.Object && written.GetPropertyCount() == 1 && written.TryGetProperty(ForeignJson, out var foreign)
                ? new JsonTaskData(foreign, FallbackJson.OptionsWithTypesOf(options), isForeign: true)
                : new JsonTaskData(written, options);

        internal override string Kind => $"JSON ({json.ValueKind})";

        internal override string? ToDisplayText() => json.ToString();

        public override bool TryGet<T>(out T? value)
            where T : default => TryGet(out value, out _);

        private protected override bool TryGet<T>(out T? value, out Exception? cause)
            where T : default
        {
            cause = null;
            // As an object it is its JSON, which every program can look at, and not what wraps it here.
            if (typeof(T) != typeof(object) && this is T itself)
            {
                value = itself;
                return true;
            }

            value = default;
            if (json is T element)
            {
                value = element;
                return true;
            }

            try
            {
                value = json.Deserialize((JsonTypeInfo<T>)options.GetTypeInfo(typeof(T)));
                return value is not null;
            }
#pragma warning disable CA1031 // Constructors, setters and converters may throw anything about what they are given. (No memory says nothing about the data.)
            catch (Exception exception) when (exception is not OutOfMemoryException)
#pragma warning restore CA1031
            {
                // Other JSON than the type's, what the type itself refuses, or a type that JSON does not know or cannot make: not what was asked
                // for, either way.
                cause = exception;
                return false;
            }
        }

        internal override void Write(Utf8JsonWriter writer, JsonSerializerOptions options)
        {
            if (!isForeign || json.ValueKind is not (JsonValueKind.Object or JsonValueKind.Array))
            {
                // What has no names is read alike.
                json.WriteTo(writer);
                return;
            }

            writer.WriteStartObject();
            writer.WritePropertyName(ForeignJson);
            json.WriteTo(writer);
            writer.WriteEndObject();
        }
    }
}
